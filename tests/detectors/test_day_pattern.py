import numpy as np
import pytest

from setupdesk.detectors.day_pattern import find_day_patterns
from tests.detectors.goldens import DAYS
from tests.detectors.markets import walk


def test_golden_14_two_days_are_both_narrow_and_inside() -> None:
    found = find_day_patterns(DAYS.high, DAYS.low)

    assert np.flatnonzero(found.nr7).tolist() == [6, 7]
    assert np.flatnonzero(found.inside).tolist() == [6, 7]


@pytest.mark.parametrize("seed", range(10))
def test_the_search_agrees_with_the_definition(seed: int) -> None:
    days = walk(seed, rows=400)
    size = days.high - days.low

    found = find_day_patterns(days.high, days.low)

    nr7 = [
        day
        for day in range(6, len(days))
        if all(size[day] < size[day - back] for back in range(1, 7))
    ]
    inside = [
        day
        for day in range(1, len(days))
        if days.high[day] < days.high[day - 1] and days.low[day] > days.low[day - 1]
    ]
    assert min(len(nr7), len(inside)) > 5
    assert np.flatnonzero(found.nr7).tolist() == nr7
    assert np.flatnonzero(found.inside).tolist() == inside


@pytest.mark.parametrize(("high", "low"), [(11, 9), (10, 9), (11, 8)])
def test_a_day_that_shares_an_edge_is_not_inside(high: int, low: int) -> None:
    found = find_day_patterns(np.array([11, high]), np.array([8, low]))

    assert found.inside.tolist() == [False, (high, low) == (10, 9)]


def test_a_range_as_small_as_one_of_the_six_before_is_not_nr7() -> None:
    high = np.array([9, 2, 9, 9, 9, 9, 2])

    found = find_day_patterns(high, np.zeros_like(high))

    assert not found.nr7.any()


@pytest.mark.parametrize("count", range(7))
def test_nr7_needs_six_days_before(count: int) -> None:
    high = np.arange(count)[::-1] + 1

    found = find_day_patterns(high, np.zeros_like(high))

    assert (found.nr7.tolist(), found.inside.tolist()) == ([False] * count, [False] * count)
