"""Scales name round values and the moments that matter, none too near another."""

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from setupdesk.picture.scales import Scale, name_moments, reach

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_value_stands_between_the_ends_by_its_share() -> None:
    scale = Scale(100.0, 200.0, 500, 100)

    assert [scale(value) for value in (100.0, 150.0, 200.0)] == [500, 300, 100]
    assert scale.has(200.0)
    assert not scale.has(200.1)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 10.0, [0, 2, 4, 6, 8, 10]),
        (24_013.0, 24_311.0, [24_050, 24_100, 24_150, 24_200, 24_250, 24_300]),
        (1.0812, 1.0829, [1.0815, 1.082, 1.0825]),
        (-3.0, 1.0, [-3, -2, -1, 0, 1]),
    ],
)
def test_round_values_are_named(low: float, high: float, expected: list[float]) -> None:
    found = list(Scale(low, high, 400, 0).list_round(60))

    assert found == pytest.approx(expected)


def test_values_that_are_the_same_still_make_a_scale() -> None:
    assert reach([5.0, 5.0], 2.0) == (4.0, 6.0)
    low, high = reach([0.0, 100.0], 2.0)
    assert low < 0
    assert high > 100


def name(first: datetime, step: timedelta, count: int, width: int) -> list[tuple[int, str, bool]]:
    moments = [first + step * row for row in range(count)]
    return sorted(name_moments(moments, [row * width for row in range(count)], "en"))


def test_days_come_before_hours_and_none_is_too_near_another() -> None:
    found = name(datetime(2025, 10, 28, 9, 15, tzinfo=BERLIN), timedelta(minutes=15), 180, 6)

    assert [text for _, text, begins in found if begins] == ["29 Oct", "30 Oct"]
    assert {"12:00", "18:00"} <= {text for _, text, _ in found}
    assert min(other[0] - one[0] for one, other in pairwise(found)) >= 66


def test_a_new_month_and_a_new_year_are_named_among_days() -> None:
    found = name(datetime(2024, 12, 3, tzinfo=BERLIN), timedelta(days=1), 180, 6)

    assert [text for _, text, _ in found if "2025" in text] == ["Jan 2025"]
    assert {"1 Feb", "1 Mar", "1 Apr"} <= {text for _, text, _ in found}


def test_one_moment_is_named_by_its_day() -> None:
    assert name(datetime(2025, 5, 5, 9, tzinfo=BERLIN), timedelta(1), 1, 6) == [(0, "5 May", True)]
