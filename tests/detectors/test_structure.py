from typing import Literal

import numpy as np
import pytest

from setupdesk.detectors.displacement import Displacements
from setupdesk.detectors.structure import BOS, BREAK, CHOCH, Breaks, find_breaks, find_shifts
from setupdesk.detectors.swing import Swings, find_swings
from setupdesk.market.bars import Bars
from tests.detectors.goldens import STRUCTURE
from tests.detectors.markets import Candle, draw, walk

Found = list[tuple[int, int, int, int, int]]


def rows_of(found: Breaks) -> Found:
    columns = (found.known, found.sign, found.kind, found.level, found.swing_row)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def swings_at(*swings: tuple[int, int, int, int]) -> Swings:
    return Swings(*np.array(swings, np.int64).reshape(-1, 4).T)


def test_golden_6_a_break_then_a_change_of_character() -> None:
    found = find_breaks(STRUCTURE, find_swings(STRUCTURE, 1, 1))

    assert rows_of(found) == [(5, 1, BREAK, 130, 1), (8, -1, CHOCH, 102, 3)]


@pytest.mark.parametrize("by", ["close", "wick"])
@pytest.mark.parametrize("right", [1, 3])
@pytest.mark.parametrize("seed", range(10))
def test_the_scan_agrees_with_the_definition(
    seed: int, right: int, by: Literal["close", "wick"]
) -> None:
    bars = walk(seed)
    swings = find_swings(bars, 2, right)

    found = find_breaks(bars, swings, by)

    assert {one[2] for one in rows_of(found)} == {BREAK, BOS, CHOCH}
    assert rows_of(found) == break_slowly(bars, swings, by)


def break_slowly(bars: Bars, swings: Swings, by: str) -> Found:
    found: Found = []
    consumed: set[int] = set()
    trend = 0
    for row in range(len(bars)):
        signs = []
        for sign in (1, -1):
            usable = np.flatnonzero((swings.known < row) & (swings.sign == sign))
            wick = bars.high[row] if sign > 0 else bars.low[row]
            reach = bars.close[row] if by == "close" else wick
            last = int(usable[-1]) if len(usable) else -1
            if last < 0 or last in consumed or sign * (reach - swings.price[last]) <= 0:
                continue
            consumed.add(last)
            kind = BREAK if trend == 0 else BOS if trend == sign else CHOCH
            level, swing_row = int(swings.price[last]), int(swings.row[last])
            found.append((row, sign, kind, level, swing_row))
            signs.append(sign)
        trend = sum(signs) if signs else trend
    return found


@pytest.mark.parametrize(
    ("by", "candle", "count"),
    [
        ("close", (11, 13, 11, 12), 0),
        ("close", (11, 13, 11, 12.1), 1),
        ("wick", (11, 12, 11, 11), 0),
        ("wick", (11, 12.1, 11, 11), 1),
    ],
)
def test_a_break_is_strictly_beyond_the_swing(
    by: Literal["close", "wick"], candle: Candle, count: int
) -> None:
    bars = draw([(11, 11, 11, 11), candle])

    found = find_breaks(bars, swings_at((0, 0, 120, 1)), by)

    assert len(found.known) == count


def test_a_swing_counts_from_the_bar_after_it_is_known() -> None:
    bars = draw([(11, 11, 11, 11), (11, 13, 11, 13), (13, 13, 12, 12.5)])

    found = find_breaks(bars, swings_at((0, 1, 120, 1)))

    assert rows_of(found) == [(2, 1, BREAK, 120, 0)]


def test_a_swing_is_broken_once_and_a_newer_one_replaces_it() -> None:
    bars = draw([(11, 11, 11, 11), (11, 13, 11, 13), (13, 14, 13, 14), (14, 16, 14, 16)])

    found = find_breaks(bars, swings_at((0, 0, 120, 1), (1, 2, 150, 1)))

    assert rows_of(found) == [(1, 1, BREAK, 120, 0), (3, 1, BOS, 150, 1)]


def test_a_bar_whose_wicks_break_both_sides_leaves_no_trend() -> None:
    bars = draw([(11, 11, 11, 11), (11, 14, 8, 11), (11, 17, 11, 11)])
    swings = swings_at((0, 0, 120, 1), (0, 0, 100, -1), (0, 1, 160, 1))

    found = find_breaks(bars, swings, "wick")

    assert [one[:3] for one in rows_of(found)] == [(1, 1, BREAK), (1, -1, BREAK), (2, 1, BREAK)]


def test_a_shift_is_a_change_of_character_by_a_displacement_in_its_direction() -> None:
    known = np.array([2, 4, 6, 8])
    kinds = np.array([CHOCH, CHOCH, BOS, CHOCH])
    breaks = Breaks(known, np.array([1, -1, -1, 1]), kinds, known, known)
    displacements = Displacements(np.array([2, 3, 4, 6, 7]), np.array([1, 1, 1, -1, 1]))

    found = find_shifts(breaks, displacements)

    assert found.known.tolist() == [2]


def test_a_neighbouring_displacement_does_not_make_a_shift() -> None:
    one = np.array([5])
    breaks = Breaks(one, np.array([1]), np.array([CHOCH]), one, one)

    found = find_shifts(breaks, Displacements(np.array([4, 6]), np.array([1, -1])))

    assert found.known.tolist() == []


@pytest.mark.parametrize("rows", [0, 1])
def test_without_swings_nothing_breaks(rows: int) -> None:
    bars = STRUCTURE[:rows]

    found = find_breaks(bars, find_swings(bars, 1, 1))

    assert rows_of(found) == []
