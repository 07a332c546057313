from collections.abc import Sequence
from datetime import UTC, date, datetime, time

import numpy as np
import pytest

from setupdesk.core.symbol import Window
from setupdesk.core.timeframe import Timeframe
from setupdesk.detectors.previous_day import (
    PreviousDays,
    find_previous_days,
    find_previous_weeks,
)
from setupdesk.market.bars import Bars
from setupdesk.market.sessions import Session, find_instants
from tests.detectors.markets import draw, sessions_of, spans_of, walk

Found = list[tuple[int, ...]]

BERLIN = "Europe/Berlin"
CASH = Window(start=time(9), end=time(17, 30), zone=BERLIN)
WHOLE = Window(start=time(0), end=time(0), zone=BERLIN)
STAMPS = [
    datetime(2025, 5, day, hour - 2, minute, tzinfo=UTC)
    for day, hour, minute in [
        (5, 9, 0),
        (5, 17, 15),
        (5, 18, 0),
        (6, 8, 0),
        (6, 9, 0),
        (6, 17, 15),
        (7, 9, 0),
    ]
]


def golden_bars() -> Bars:
    bars = draw([(one, one + 1.5, one - 1, one + 0.5) for one in (10, 12, 13, 14, 15, 16, 17)])
    stamps = np.array([int(stamp.timestamp()) * 1000 for stamp in STAMPS], np.int64)
    prices = (bars.open, bars.high, bars.low, bars.close)
    return Bars(Timeframe.M15, 0.1, stamps, *prices, bars.volume)


def rows_of(found: PreviousDays) -> Found:
    columns = (found.of, found.open, found.high, found.low, found.close, found.known)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def spans(*rows: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    first, stop = np.array(rows, np.int64).reshape(-1, 2).T
    return first, stop


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (CASH, [None, (100, 135, 90, 125), (150, 175, 140, 165)]),
        (WHOLE, [None, (100, 145, 90, 135), (140, 175, 130, 165)]),
    ],
    ids=["cash hours", "whole days"],
)
def test_golden_13_the_hours_that_count_change_the_levels(
    window: Window, expected: Sequence[tuple[int, ...] | None]
) -> None:
    bars = golden_bars()
    sessions = [Session(date(2025, 5, day), 0, 0) for day in (5, 6, 7)]
    first, stop = (np.searchsorted(bars.time, one) for one in find_instants(window, sessions))

    found = find_previous_days(bars, first, stop)

    for place, prices in enumerate(expected):
        if prices is None:
            assert (found.of[place], found.known[place]) == (-1, len(bars))
        else:
            assert rows_of(found)[place] == (place - 1, *prices, first[place] - 1)


@pytest.mark.parametrize("seed", range(20))
def test_days_agree_with_the_definition(seed: int) -> None:
    bars = walk(seed, rows=900)
    groups = [(place, place) for place in range(len(sessions_of(bars)))]

    found = find_previous_days(bars, *spans_of(bars))

    assert rows_of(found) == look_back_slowly(bars, groups)


@pytest.mark.parametrize("seed", range(20))
def test_weeks_agree_with_the_definition(seed: int) -> None:
    bars = walk(seed, rows=1_500)
    days = [one.day for one in sessions_of(bars)]
    groups = [(week_of(day, days[0]), place) for place, day in enumerate(days)]

    found = find_previous_weeks(bars, *spans_of(bars), days)

    assert rows_of(found) == look_back_slowly(bars, groups)


def week_of(day: date, first: date) -> int:
    return (day.toordinal() - 1) // 7 - (first.toordinal() - 1) // 7


def look_back_slowly(bars: Bars, groups: Sequence[tuple[int, int]]) -> Found:
    first, stop = spans_of(bars)
    rows_in: dict[int, list[int]] = {group: [] for group, _ in groups}
    for group, place in groups:
        rows_in[group] += range(int(first[place]), int(stop[place]))
    found: Found = []
    for group, _ in groups:
        before = [one for one in rows_in if one < group and rows_in[one]]
        if not before:
            found.append((-1, 0, 0, 0, 0, len(bars)))
            continue
        rows = rows_in[before[-1]]
        high, low = max(bars.high[rows].tolist()), min(bars.low[rows].tolist())
        known = rows_in[group][0] - 1 if rows_in[group] else len(bars)
        ends = (int(bars.open[rows[0]]), high, low, int(bars.close[rows[-1]]))
        found.append((before[-1], *ends, known))
    return found


def test_a_day_without_bars_is_passed_over() -> None:
    bars = draw([(10, 11, 9, 10), (20, 22, 18, 21)])

    found = find_previous_days(bars, *spans((0, 1), (1, 1), (1, 2)))

    assert rows_of(found)[2] == (0, 100, 110, 90, 100, 0)


def test_the_levels_of_a_day_that_has_not_begun_are_not_known() -> None:
    bars = draw([(10, 11, 9, 10)])

    found = find_previous_days(bars, *spans((0, 1), (1, 1)))

    assert found.known.tolist() == [1, 1]


def test_bars_between_the_sessions_of_a_week_do_not_count() -> None:
    bars = draw([(10, 11, 9, 10), (50, 60, 1, 50), (10, 12, 8, 11), (11, 11, 11, 11)])
    days = [date(2025, 5, 8), date(2025, 5, 9), date(2025, 5, 12), date(2025, 5, 13)]

    found = find_previous_weeks(bars, *spans((0, 1), (2, 3), (3, 4), (4, 4)), days)

    assert rows_of(found)[2:] == [(0, 100, 120, 80, 110, 2)] * 2


def test_the_week_around_new_year_is_one_week() -> None:
    bars = draw([(10, 11, 9, 10), (20, 21, 19, 20), (30, 31, 29, 30)])
    days = [date(2024, 12, 30), date(2025, 1, 2), date(2025, 1, 6)]

    found = find_previous_weeks(bars, *spans((0, 1), (1, 2), (2, 3)), days)

    assert found.of.tolist() == [-1, -1, 0]


def test_without_sessions_there_is_nothing_to_know() -> None:
    bars = draw([])

    days, weeks = find_previous_days(bars, *spans()), find_previous_weeks(bars, *spans(), [])

    assert rows_of(days) == rows_of(weeks) == []
