import gzip
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from setupdesk.adapters.importers import read_bars
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.clock import NEW_YORK, parse_clock
from setupdesk.market.clock_check import check_clock, find_clock_doubts
from setupdesk.market.clock_evidence import propose_clock
from setupdesk.market.resample import resample
from setupdesk.market.synthetic import simulate_bars
from tests.market.weeks import (
    BTCUSD,
    CATALOGUE,
    EURUSD,
    US500,
    YEAR,
    crypto,
    draw,
    shown_by,
    trade,
    trade_cash,
)

REAL = Path(__file__).parents[2].parent / "shared/data/raw"
GER40 = CATALOGUE["GER40"]


def move(bars: Bars, minutes: int) -> Bars:
    return replace(bars, time=bars.time + minutes * 60_000)


@pytest.mark.parametrize("name", ["UTC", "NY+7", "Europe/Athens", "Europe/London"])
def test_the_right_clock_is_not_warned_of(name: str) -> None:
    assert check_clock(YEAR, EURUSD, parse_clock(name)) == ()


@pytest.mark.parametrize("declared", ["UTC", "Europe/Athens", "+02:00", "+03:00", "Asia/Tokyo"])
def test_a_clock_declared_wrong_is_warned_of_with_the_one_that_fits(declared: str) -> None:
    clock = parse_clock(declared)
    wall = shown_by("NY+7", YEAR)

    warnings = check_clock(replace(wall, time=clock.to_utc_ms(wall.time)), EURUSD, clock)

    assert len(warnings) == 1
    assert warnings[0].startswith(f"The clock {declared} contradicts the hours of EURUSD")
    assert warnings[0].endswith("NY+7 would fit.")


def test_cash_hours_alone_are_no_contradiction() -> None:
    wall = NEW_YORK.to_wall_ms(YEAR.time)
    minute = wall // 60_000 % 1440
    cash = YEAR.time[(minute >= 570) & (minute < 960)]

    assert check_clock(draw(cash), US500, parse_clock("UTC")) == ()
    assert propose_clock(shown_by("America/New_York", draw(cash)), US500).clock == NEW_YORK


@pytest.mark.parametrize("declared", ["UTC", "NY+7"])
def test_a_market_that_never_closes_is_warned_of_by_its_missing_hour(declared: str) -> None:
    clock = parse_clock(declared)
    wall = shown_by("Europe/Athens", crypto(date(2025, 3, 20), date(2025, 4, 5)))
    bars = replace(wall, time=clock.to_utc_ms(wall.time))

    (warning,) = check_clock(bars, BTCUSD, clock)

    assert "on 2025-03-30" in warning
    assert "Europe/Athens" in warning


@pytest.mark.parametrize("minutes", [-60, -30, -15, 15, 30, 60])
@pytest.mark.parametrize("size", [5, 15])
def test_a_week_of_fx_that_is_moved_by_a_quarter_hour_or_more_is_doubted(
    size: int, minutes: int
) -> None:
    bars = trade(date(2025, 3, 1), date(2025, 5, 1), minutes=size)

    (doubt,) = find_clock_doubts(move(bars, minutes), EURUSD)

    assert find_clock_doubts(bars, EURUSD) == ()
    assert doubt.startswith("the week opens Sunday 1")


@pytest.mark.parametrize("minutes", [-60, -30, -15, 15, 30, 60])
def test_a_market_with_an_opening_is_doubted_by_it(minutes: int) -> None:
    drawn = simulate_bars(GER40, date(2025, 3, 3), date(2025, 5, 2), 1)
    bars = resample(drawn, Timeframe.M15, "24x5")

    doubts = find_clock_doubts(move(bars, minutes), GER40)

    assert find_clock_doubts(bars, GER40) == ()
    assert doubts[0].endswith("Europe/Berlin, but the session opens at 09:00")


def test_bars_one_bar_late_are_told_that_they_look_stamped_at_close() -> None:
    (warning,) = check_clock(move(YEAR, 15), EURUSD, parse_clock("UTC"))

    assert warning.endswith("They look stamped at their close: --stamped-at close would fit.")


@pytest.mark.parametrize("minutes", [-60, -15, 15, 60, 180])
def test_a_few_days_of_cash_hours_are_doubted_where_both_ends_are_moved(minutes: int) -> None:
    bars = trade_cash(date(2025, 6, 2), 5, 5)
    longer = trade_cash(date(2025, 6, 2), 5, 5, opens=555, closes=975)

    (doubt,) = find_clock_doubts(move(bars, minutes), US500)

    assert find_clock_doubts(bars, US500) == find_clock_doubts(longer, US500) == ()
    assert doubt.startswith("the day opens ")
    assert doubt.endswith("in most of 4 days; its session is 09:30 to 16:00")


def test_weeks_cut_short_by_holidays_are_no_contradiction() -> None:
    full = trade(date(2025, 5, 2), date(2025, 5, 31))
    fridays = NEW_YORK.to_wall_ms(full.time) // 60_000 % 10_080 // 1440 == 1
    hour = NEW_YORK.to_wall_ms(full.time) // 3_600_000 % 24
    week = full.time // (7 * 86_400_000)
    cut = fridays & (hour >= 8 + week % 4)

    assert find_clock_doubts(draw(full.time[~cut]), EURUSD) == ()


FILES = [
    ("rokas__FOREXCOM_GER40_M15.csv.gz", "GER40", "M15", "UTC"),
    ("rokas__FOREXCOM_GER40_H1.csv", "GER40", "H1", "UTC"),
    ("denik__US500.cash_M15.csv.gz", "US500", "M15", "NY+7"),
    ("omega__US500F_m1.csv.gz", "US500", "M1", "UTC"),
    ("omega__warmup_US30_M15.csv", "US30", "M15", "UTC"),
    ("omega__EURUSD_m1.csv.gz", "EURUSD", "M1", "UTC"),
    ("smc__EURUSD_15M.csv.gz", "EURUSD", "M15", "Europe/Athens"),
]


@pytest.mark.skipif(not REAL.is_dir(), reason="no real files in ../shared/data")
@pytest.mark.parametrize(("name", "symbol", "timeframe", "clock"), FILES)
def test_real_files_are_doubted_where_they_are_moved_and_only_there(
    name: str, symbol: str, timeframe: str, clock: str
) -> None:
    of, size = CATALOGUE[symbol], Timeframe(timeframe)
    raw = (
        gzip.decompress((REAL / name).read_bytes())
        if name.endswith("gz")
        else (REAL / name).read_bytes()
    )
    bars = read_bars(raw, name, of, size, None if clock == "UTC" else clock).bars
    moves = [minutes for minutes in (-60, -30, -15, 15, 30, 60) if minutes % size.minutes == 0]

    missed = [minutes for minutes in moves if not find_clock_doubts(move(bars, minutes), of)]

    assert find_clock_doubts(bars, of) == ()
    assert missed == []
