import hashlib
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from setupdesk.core.symbol import Costs, Symbol, Window
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Floats
from setupdesk.market.resample import resample
from setupdesk.market.synthetic import simulate_bars

BERLIN = ZoneInfo("Europe/Berlin")
GER40 = Symbol(
    name="GER40",
    title="Germany 40",
    aliases=(),
    tick=0.1,
    price_range=(1_000, 100_000),
    zone="Europe/Berlin",
    calendar="XETR",
    session=Window(start=time(9), end=time(17, 30), zone="Europe/Berlin"),
    week="24x5",
    windows={},
    costs=Costs(spread=((time(0), 1.2),), slippage=0.5),
)


@cache
def four_years() -> Bars:
    return simulate_bars(GER40, date(2021, 1, 1), date(2024, 12, 31), seed=1)


def by_day(bars: Bars, start: time, end: time) -> dict[date, tuple[int, int]]:
    """Give the low and high of each day within a window of Berlin time."""
    extremes = {}
    day = date(2021, 1, 1)
    while day <= date(2024, 12, 31):
        edges = [datetime.combine(day, clock, BERLIN).timestamp() * 1000 for clock in (start, end)]
        part = bars.between(int(edges[0]), int(edges[1]))
        if len(part):
            extremes[day] = (int(part.low.min()), int(part.high.max()))
        day += timedelta(days=1)
    return extremes


def autocorrelation(values: Floats, lag: int) -> float:
    return float(np.corrcoef(values[lag:], values[:-lag])[0, 1])


def m15_returns() -> Floats:
    close = resample(four_years(), Timeframe.M15, "24x5").close
    return np.asarray(np.diff(close) / close[:-1], np.float64)


def share(flags: list[bool]) -> float:
    return float(np.mean(flags))


def test_the_same_seed_and_dates_give_the_same_bytes_on_any_machine() -> None:
    bars = simulate_bars(GER40, date(2025, 1, 1), date(2025, 1, 31), seed=7)

    again = simulate_bars(GER40, date(2025, 1, 1), date(2025, 1, 31), seed=7)
    prices = np.stack((bars.time, bars.open, bars.high, bars.low, bars.close)).astype("<i8")

    assert again.fingerprint() == bars.fingerprint()
    assert hashlib.sha256(prices.tobytes()).hexdigest()[:16] == "f8a7ab6fe0acc928"


def test_another_seed_gives_another_market() -> None:
    first, second = (
        simulate_bars(GER40, date(2025, 1, 6), date(2025, 1, 7), seed=seed) for seed in (1, 2)
    )

    assert first.time.tolist() == second.time.tolist()
    assert first.close.tolist() != second.close.tolist()


@pytest.mark.parametrize("last", [date(2025, 1, 31), date(2025, 6, 30), date(2026, 1, 1)])
def test_a_later_end_changes_no_earlier_bar(last: date) -> None:
    short = simulate_bars(GER40, date(2025, 1, 1), date(2025, 1, 15), seed=3)

    long = simulate_bars(GER40, date(2025, 1, 1), last, seed=3)

    assert len(long) > len(short)
    assert long[: len(short)].fingerprint() == short.fingerprint()


def test_a_period_without_a_trading_day_has_no_bars() -> None:
    weekend = simulate_bars(GER40, date(2025, 1, 4), date(2025, 1, 5), seed=1)

    assert len(weekend) == 0


def test_it_trades_from_monday_midnight_to_friday_evening_with_a_break_every_night() -> None:
    week = simulate_bars(GER40, date(2025, 3, 22), date(2025, 4, 6), seed=1)

    local = [datetime.fromtimestamp(t / 1000, BERLIN) for t in week.time.tolist()]
    gaps = [(a, b) for a, b in pairwise(local) if b - a != timedelta(minutes=1)]

    assert local[0] == datetime(2025, 3, 24, tzinfo=BERLIN)
    assert {t.weekday() for t in local} == {0, 1, 2, 3, 4}
    assert {b.time() for _, b in gaps} == {time(0)}
    assert {a.time() for a, _ in gaps if a.weekday() < 4} == {time(23, 14)}
    assert {a.time() for a, _ in gaps if a.weekday() == 4} == {time(21, 59)}
    assert datetime.fromtimestamp(int(week.time[0]) / 1000, UTC).hour == 23


def test_every_bar_is_sound() -> None:
    bars = four_years()

    top, bottom = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)

    assert bars.timeframe is Timeframe.M1
    assert bool(np.all(np.diff(bars.time) > 0))
    assert bool(np.all(bars.high >= top))
    assert bool(np.all(bars.low <= bottom))
    assert int(bars.low.min()) > 10_000
    assert bool(np.all(np.isnan(bars.volume)))


def test_prices_jump_over_night_and_not_within_the_day() -> None:
    bars = four_years()

    jumps = np.abs(bars.open[1:] - bars.close[:-1])
    nights = np.diff(bars.time) > 60_000

    assert int(jumps[~nights].max()) == 0
    assert float(np.median(jumps[nights] / bars.close[:-1][nights])) > 2e-4


def test_days_and_opening_hours_are_as_wide_as_those_of_the_dax() -> None:
    bars = four_years()

    days = by_day(bars, time(0), time(23, 59))
    opening = by_day(bars, time(9), time(10))

    assert 0.009 < np.median([high / low - 1 for low, high in days.values()]) < 0.015
    assert 0.0035 < np.median([high / low - 1 for low, high in opening.values()]) < 0.006


def test_the_opening_range_is_broken_as_often_as_in_the_real_market() -> None:
    opening = by_day(four_years(), time(9), time(10))
    rest = by_day(four_years(), time(10), time(17, 30))

    above = [rest[day][1] > opening[day][1] for day in opening]
    below = [rest[day][0] < opening[day][0] for day in opening]
    both = [up and down for up, down in zip(above, below, strict=True)]

    assert 0.60 < share(above) < 0.75
    assert 0.60 < share(below) < 0.75
    assert 0.20 < share(both) < 0.45


def test_volatility_comes_in_bursts_and_tails_are_fat() -> None:
    returns = m15_returns()

    sizes = np.abs(returns)
    kurtosis = float(np.mean((returns - returns.mean()) ** 4) / returns.var() ** 2) - 3

    assert 0.30 < autocorrelation(sizes, 1) < 0.45
    assert 0.25 < autocorrelation(sizes, 4) < 0.40
    assert 0.15 < autocorrelation(sizes, 96) < 0.30
    assert 10 < kurtosis < 150
    assert 9e-4 < returns.std() < 16e-4


def test_returns_have_no_drift_and_no_memory() -> None:
    returns = m15_returns()

    error = returns.std() / np.sqrt(len(returns))

    assert abs(returns.mean()) < 3 * error
    assert abs(autocorrelation(returns, 1)) < 0.03
