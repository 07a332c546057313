from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.overlap import find_overlap, lay_over

START = 1_735_776_000_000
"""2025-01-02 00:00 UTC, a Thursday."""
HOUR_MS = 3_600_000


def draw(count: int = 400, timeframe: Timeframe = Timeframe.M15, first: int = 0) -> Bars:
    """Draw a part of one series: bar 7 is the same in every part."""
    steps = np.random.default_rng(5).integers(-60, 61, 4000)
    close = (200_000 + np.cumsum(steps))[first : first + count]
    rows = np.arange(first, first + count, dtype=np.int64)
    times = START + rows * timeframe.milliseconds
    return Bars(
        timeframe, 0.1, times, close - 7, close + 9, close - 11, close, np.full(count, np.nan)
    )


def shift(bars: Bars, hours: int) -> Bars:
    return replace(bars, time=bars.time + hours * HOUR_MS)


def shift_minutes(bars: Bars, minutes: int) -> Bars:
    return replace(bars, time=bars.time + minutes * 60_000)


def scale(bars: Bars, factor: float) -> Bars:
    columns = {
        name: np.rint(getattr(bars, name) * factor).astype(np.int64)
        for name in ("open", "high", "low", "close")
    }
    return replace(bars, **columns)


def spoil(bars: Bars, count: int, by: int = 3) -> Bars:
    high = bars.high.copy()
    high[:count] += by
    return replace(bars, high=high)


def test_equal_bars_disagree_in_nothing_and_bring_nothing() -> None:
    overlap = find_overlap(draw(400), draw(100, first=50))

    assert (overlap.shared, len(overlap.disagreeing), len(overlap.brought)) == (100, 0, 0)
    assert overlap.cause == ""
    assert not overlap.is_other_series


@pytest.mark.parametrize(
    ("shared", "disagreeing", "is_other"),
    [(19, 19, False), (20, 10, False), (20, 11, True), (400, 200, False), (400, 201, True)],
)
def test_more_than_half_of_twenty_bars_or_more_are_another_series(
    shared: int, disagreeing: int, *, is_other: bool
) -> None:
    overlap = find_overlap(draw(400), spoil(draw(shared), disagreeing))

    assert len(overlap.disagreeing) == disagreeing
    assert overlap.is_other_series is is_other


@pytest.mark.parametrize(
    ("bars", "cause"),
    [
        (shift(draw(), 3), "The same prices are stored 3 hours earlier"),
        (shift(draw(), 1), "The same prices are stored 1 hour earlier"),
        (shift(draw(), -7), "The same prices are stored 7 hours later"),
        (
            shift_minutes(draw(), 15),
            "The same prices are stored one bar earlier: this file is stamped at close",
        ),
        (
            shift_minutes(draw(), -15),
            "The same prices are stored one bar later: the stored ones were stamped at close",
        ),
        (shift_minutes(draw(), 30), "The same prices are stored 30 minutes earlier: one of the"),
        (scale(draw(), 10), "Its prices are 10 times the stored ones: they have another scale"),
        (scale(draw(), 0.001), "Its prices are 0.001 times the stored ones"),
        (scale(draw(), 2.5), "Its prices are 2.5 times the stored ones: is it another symbol?"),
        (spoil(draw(), 400), "Half of these bars differ by 0.3 points or more: another source"),
        (scale(draw(), 1.0002), "Half of these bars differ by 4 points or more: another source"),
    ],
)
def test_the_likely_cause_is_computed(bars: Bars, cause: str) -> None:
    overlap = find_overlap(draw(), bars)

    assert overlap.is_other_series
    assert overlap.cause.startswith(cause)


def test_one_bar_of_an_hour_may_be_a_clock_or_a_stamp_at_close() -> None:
    stored = draw(timeframe=Timeframe.H1)

    overlap = find_overlap(stored, shift(stored, 1))

    assert overlap.cause == (
        "The same prices are stored one bar earlier: one of the two was read with a wrong clock, "
        "or is stamped at close."
    )


def test_a_clock_that_is_wrong_by_two_hours_in_winter_and_three_in_summer_is_named() -> None:
    bars = draw(400)
    hours = np.where(np.arange(400) < 190, 2, 3)

    overlap = find_overlap(bars, replace(bars, time=bars.time + hours * HOUR_MS))

    assert overlap.cause.startswith("The same prices are stored 2 or 3 hours earlier")


def test_h4_bars_that_open_at_other_hours_disagree_and_are_laid_over() -> None:
    stored, moved = draw(100, Timeframe.H4), shift(draw(60, Timeframe.H4, first=20), 2)

    overlap, laid = find_overlap(stored, moved), lay_over(stored, moved)

    assert (overlap.shared, len(overlap.disagreeing)) == (60, 60)
    assert bool(np.all(np.diff(laid.time) >= 2 * HOUR_MS))
    assert set(moved.time) <= set(laid.time)


def test_a_day_of_23_hours_is_no_overlap() -> None:
    stored = draw(10, Timeframe.D1)
    after = shift(draw(5, Timeframe.D1, first=10), -1)

    overlap = find_overlap(stored, after)

    assert (overlap.shared, len(overlap.brought)) == (0, 5)
    assert len(lay_over(stored, after)) == 15


def test_a_bar_without_volume_keeps_the_stored_one() -> None:
    stored = replace(draw(10), volume=np.arange(10.0))

    laid = lay_over(stored, draw(20))

    assert laid.volume[:10].tolist() == list(range(10))
    assert bool(np.all(np.isnan(laid.volume[10:])))
    assert len(find_overlap(stored, draw(10)).brought) == 0


def test_another_volume_is_no_disagreement_but_is_counted() -> None:
    stored = replace(draw(10), volume=np.arange(10.0))

    overlap = find_overlap(stored, replace(draw(10), volume=np.full(10, 4.0)))

    assert (len(overlap.disagreeing), overlap.other_volume, len(overlap.brought)) == (0, 9, 9)


def test_the_days_are_those_of_the_market() -> None:
    late = spoil(draw(400)[92:], 2)

    overlap = find_overlap(draw(), late)

    assert overlap.days("UTC") == [date(2025, 1, 2)]
    assert overlap.days("Asia/Tokyo") == [date(2025, 1, 3)]


def test_a_daily_bar_belongs_to_the_day_on_which_it_is_traded() -> None:
    midnight = draw(3, Timeframe.D1)
    evening = shift(midnight, -2)

    days = [
        find_overlap(bars, spoil(bars, 3)).days("America/New_York") for bars in (midnight, evening)
    ]

    assert days[0] == days[1] == [date(2025, 1, 2), date(2025, 1, 3), date(2025, 1, 4)]
