import numpy as np
import pytest

from setupdesk.detectors.order_block import OrderBlocks, find_order_blocks
from setupdesk.detectors.structure import BREAK, Breaks, find_breaks
from setupdesk.detectors.swing import find_swings
from setupdesk.market.bars import Bars
from tests.detectors.goldens import STRUCTURE
from tests.detectors.markets import Candle, draw, walk

Found = list[tuple[int, int, int, int, int]]

UP: Candle = (10, 12, 9, 11)
DOWN: Candle = (11, 12, 9, 10)


def rows_of(found: OrderBlocks) -> Found:
    columns = (found.row, found.known, found.sign, found.bottom, found.top)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def break_up(known: int, swing_row: int) -> Breaks:
    return Breaks(*(np.array([one]) for one in (known, 1, BREAK, 0, swing_row)))


def test_golden_6_the_order_blocks_of_both_breaks() -> None:
    breaks = find_breaks(STRUCTURE, find_swings(STRUCTURE, 1, 1))

    found = find_order_blocks(STRUCTURE, breaks)

    assert rows_of(found) == [(2, 5, 1, 110, 129), (5, 8, -1, 124, 140)]


@pytest.mark.parametrize("seed", range(20))
def test_the_search_agrees_with_the_definition(seed: int) -> None:
    bars = walk(seed)
    breaks = find_breaks(bars, find_swings(bars, 2, 1))

    found = find_order_blocks(bars, breaks)

    assert len(found.row) > 3
    assert rows_of(found) == find_slowly(bars, breaks)


def find_slowly(bars: Bars, breaks: Breaks) -> Found:
    found: Found = []
    for known, sign, swing in zip(breaks.known, breaks.sign, breaks.swing_row, strict=True):
        between = range(int(swing) + 1, int(known))
        deepest = min(between, key=lambda row: bars.low[row] if sign > 0 else -bars.high[row])
        back = [row for row in range(deepest, deepest - 5, -1) if row >= 0]
        against = [row for row in back if sign * (bars.close[row] - bars.open[row]) < 0]
        if against:
            row = against[0]
            found.append((row, int(known), int(sign), int(bars.low[row]), int(bars.high[row])))
    return found


@pytest.mark.parametrize(("back", "count"), [(4, 1), (5, 0)])
def test_it_looks_back_over_five_bars_and_no_more(back: int, count: int) -> None:
    origin: Candle = (10, 12, 8, 11)
    bars = draw([UP, DOWN, *[UP] * (back - 1), origin, UP, UP])

    found = find_order_blocks(bars, break_up(len(bars) - 1, 0))

    assert len(found.row) == count


def test_the_first_of_equally_low_bars_is_the_origin() -> None:
    bars = draw([UP, DOWN, UP, DOWN, UP])

    found = find_order_blocks(bars, break_up(4, 0))

    assert found.row.tolist() == [1]


def test_the_look_back_ends_at_the_first_bar() -> None:
    bars = draw([UP, UP, UP])

    found = find_order_blocks(bars, break_up(2, 0))

    assert rows_of(found) == []


def test_a_break_right_after_its_swing_has_no_origin() -> None:
    bars = draw([DOWN, UP])

    found = find_order_blocks(bars, break_up(1, 0))

    assert rows_of(found) == []


def test_without_breaks_there_are_no_order_blocks() -> None:
    bars = draw([])

    found = find_order_blocks(bars, find_breaks(bars, find_swings(bars, 1, 1)))

    assert rows_of(found) == []
