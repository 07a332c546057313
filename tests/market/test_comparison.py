from dataclasses import replace
from datetime import date, timedelta

import pytest

from setupdesk.core.timeframe import Timeframe
from setupdesk.market.comparison import compare
from setupdesk.market.resample import resample
from setupdesk.market.synthetic import simulate_bars
from tests.market.test_quality import GER40, MONDAY, draw_bars, draw_sessions, without


def test_two_sources_are_compared_by_day_other_prices_first() -> None:
    ours, theirs = draw_bars(), without(draw_bars(), 3, 70)
    theirs.high[35] += 30
    theirs.low[100] -= 10

    found = compare(ours, theirs, GER40, draw_sessions())

    assert [
        (day.day.day, day.missing_in_a, day.missing_in_b, day.differing, round(day.worst, 6))
        for day in found.days
    ] == [(6, 0, 0, 1, 3.0), (5, 0, 1, 0, 0.0), (7, 0, 1, 0, 0.0)]
    assert found.shared == 5


def test_bars_of_two_sizes_are_not_compared() -> None:
    ours = draw_bars()

    with pytest.raises(ValueError, match="cannot be compared"):
        compare(ours, replace(ours, timeframe=Timeframe.H1), GER40, draw_sessions())


def test_days_that_one_source_lacks_are_ranges_and_no_disagreement() -> None:
    whole = draw_bars(12)
    # 34 bars a session: one lacks Wednesday to the Monday after, the other the last Thursday.
    ours, theirs = without(whole, *range(2 * 34, 6 * 34)), without(whole, *range(8 * 34, 9 * 34))

    found = compare(ours, theirs, GER40, draw_sessions(12))

    assert found.shared == 5
    assert found.days == ()
    assert [(each.first, each.last, each.sessions) for each in found.missing_in_a] == [
        (date(2025, 5, 7), date(2025, 5, 12), 4)
    ]
    assert [each.to_json() for each in found.missing_in_b] == [
        {"first": "2025-05-15", "last": "2025-05-15", "sessions": 1}
    ]


def test_days_that_nobody_has_are_no_ranges() -> None:
    bars = draw_bars(3)

    found = compare(bars, bars, GER40, draw_sessions(12))

    assert (found.shared, found.missing_in_a, found.missing_in_b) == (3, (), ())


@pytest.mark.parametrize("timeframe", [Timeframe.H4, Timeframe.D1])
def test_bars_that_do_not_begin_with_a_session_are_compared_too(timeframe: Timeframe) -> None:
    minutes = simulate_bars(GER40, MONDAY - timedelta(days=3), MONDAY + timedelta(days=4), 1)
    ours = resample(minutes, timeframe, "24x5")
    theirs = replace(ours, high=ours.high + 900)

    found = compare(ours, theirs, GER40, draw_sessions())

    assert found.shared == 5
    assert [day.differing > 0 for day in found.days] == [True] * 5
