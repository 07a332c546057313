from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.clock import NEW_YORK, parse_clock
from setupdesk.market.clock_evidence import Proposal, check_clock, propose_clock

CATALOGUE = load_catalogue()
EURUSD, US500, BTCUSD = CATALOGUE["EURUSD"], CATALOGUE["US500"], CATALOGUE["BTCUSD"]


def ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def draw(times: Ints, timeframe: Timeframe = Timeframe.M15) -> Bars:
    steps = np.random.default_rng(7).integers(-20, 21, len(times))
    price = 110_000 + np.cumsum(steps)
    return Bars(timeframe, 0.00001, times, price, price, price, price, np.full(len(times), np.nan))


def trade(first: date, last: date, opens_hour: int = 17, minutes: int = 15) -> Bars:
    """Draw bars from Sunday *opens_hour* to Friday 17:00 New York."""
    utc = np.arange(ms(first), ms(last), minutes * 60_000, dtype=np.int64)
    wall = NEW_YORK.to_wall_ms(utc)
    minute = (wall // 60_000 - 4 * 1440) % (7 * 1440)
    is_open = (minute < 4 * 1440 + 17 * 60) | (minute >= 6 * 1440 + opens_hour * 60)
    return draw(utc[is_open], Timeframe(f"M{minutes}"))


def crypto(first: date, last: date) -> Bars:
    return draw(np.arange(ms(first), ms(last), 300_000, dtype=np.int64), Timeframe.M5)


def shown_by(clock: str, bars: Bars) -> Bars:
    return replace(bars, time=parse_clock(clock).to_wall_ms(bars.time))


def near(proposal: Proposal) -> str:
    return " ".join(proposal.caveats)


YEAR = trade(date(2025, 1, 1), date(2025, 12, 31))


@pytest.mark.parametrize(
    "name", ["UTC", "NY+7", "Europe/Athens", "Europe/London", "America/New_York", "-05:00"]
)
def test_a_year_of_weeks_tells_the_clock(name: str) -> None:
    proposal = propose_clock(shown_by(name, YEAR), EURUSD)

    assert (proposal.clock.name, proposal.confidence) == (name, "sure")


@pytest.mark.parametrize(("name", "rival"), [("NY+7", "Europe/Athens"), ("Europe/Athens", "NY+7")])
def test_the_weeks_in_which_two_clocks_differ_are_the_evidence(name: str, rival: str) -> None:
    proposal = propose_clock(shown_by(name, YEAR), EURUSD)

    assert "The week's last bar opens Friday 23:45 in" in proposal.explain()
    assert f"in which {rival} differs, the usual hours are kept" in proposal.explain()
    assert f"and 0 times as {rival}" in proposal.explain()


def test_clocks_that_do_not_differ_in_these_weeks_cannot_be_told_apart() -> None:
    summer = trade(date(2025, 5, 1), date(2025, 8, 1))

    proposal = propose_clock(shown_by("NY+7", summer), EURUSD)

    assert (proposal.clock.name, proposal.confidence) == ("NY+7", "likely")
    assert "Cannot tell NY+7 from Europe/Athens, +03:00: no bars in the weeks" in near(proposal)


def test_a_file_whose_newest_bar_is_first_is_the_same() -> None:
    proposal = propose_clock(shown_by("NY+7", YEAR)[::-1], EURUSD)

    assert (proposal.clock.name, proposal.confidence) == ("NY+7", "sure")


def test_bars_without_a_weekend_tell_nothing() -> None:
    proposal = propose_clock(YEAR[:50], EURUSD)

    assert proposal.confidence == "unsure"
    assert "there is no weekend" in near(proposal)


def test_a_reference_decides_and_gives_its_correlation() -> None:
    reference = YEAR[4_000:9_000]

    proposal = propose_clock(shown_by("+05:30", YEAR[3_000:8_000]), EURUSD, reference)

    assert (proposal.clock.name, proposal.confidence) == ("+05:30", "sure")
    assert "returns correlate 1.00 with the stored bars" in proposal.explain()


def test_a_reference_tells_ny_7_from_athens_only_where_they_differ() -> None:
    wall = shown_by("NY+7", YEAR)
    march = YEAR.between(ms(date(2025, 3, 1)), ms(date(2025, 4, 15)))
    summer = trade(date(2025, 6, 1), date(2025, 7, 1))

    decided = propose_clock(wall, EURUSD, march)
    undecided = propose_clock(shown_by("NY+7", summer), EURUSD, summer)

    assert (decided.clock.name, decided.confidence) == ("NY+7", "sure")
    assert undecided.confidence == "likely"
    assert "Cannot tell NY+7 from Europe/Athens" in near(undecided)


def test_a_reference_of_another_market_decides_nothing() -> None:
    noise = np.random.default_rng(1).permutation(YEAR.close)

    proposal = propose_clock(shown_by("NY+7", YEAR), EURUSD, replace(YEAR, close=noise))

    assert proposal.clock.name == "NY+7"
    assert "The stored bars do not tell more" in near(proposal)


@pytest.mark.parametrize(
    "span", [(date(2025, 3, 20), date(2025, 4, 5)), (date(2025, 10, 20), date(2025, 11, 1))]
)
def test_a_market_that_never_closes_shows_the_hour_that_its_clock_left_out_or_doubled(
    span: tuple[date, date],
) -> None:
    proposal = propose_clock(shown_by("Europe/Athens", crypto(*span)), BTCUSD)

    assert (proposal.clock.name, proposal.confidence) == ("Europe/Athens", "likely")


def test_a_market_that_never_closes_else_tells_nothing_without_a_reference() -> None:
    bars = crypto(date(2025, 5, 1), date(2025, 5, 20))

    alone = propose_clock(shown_by("Europe/Athens", bars), BTCUSD)
    beside = propose_clock(shown_by("Europe/Athens", bars), BTCUSD, bars)

    assert (alone.clock.name, alone.confidence) == ("UTC", "unsure")
    assert "Cannot tell UTC from NY+7, Europe/Athens" in near(alone)
    assert beside.clock.name in {"NY+7", "Europe/Athens", "+03:00"}
    assert "Cannot tell" in near(beside)


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
