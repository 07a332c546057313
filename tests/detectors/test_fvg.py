import numpy as np
import pytest

from setupdesk.detectors.fvg import FairValueGaps, find_fair_value_gaps
from setupdesk.market.bars import Bars
from tests.detectors.goldens import FAIR_VALUE_GAP
from tests.detectors.markets import Candle, draw, walk

Found = list[tuple[int, ...]]


def rows_of(found: FairValueGaps) -> Found:
    zone = (found.row, found.known, found.sign, found.bottom, found.top, found.origin)
    states = (found.touch, found.ce, found.fill, found.invert)
    return list(zip(*(column.tolist() for column in (*zone, *states)), strict=True))


def test_golden_5_each_state_of_a_gap_has_its_own_bar() -> None:
    found = find_fair_value_gaps(FAIR_VALUE_GAP)

    assert rows_of(found) == [(1, 2, 1, 1010, 1020, 990, 3, 4, 5, 5)]


def test_the_edges_are_named_from_the_price_at_birth() -> None:
    found = find_fair_value_gaps(FAIR_VALUE_GAP)

    assert (found.near[0], found.far[0], found.mid[0], found.size[0]) == (1020, 1010, 1015, 10)


@pytest.mark.parametrize("seed", range(20))
def test_the_scan_agrees_with_the_definition(seed: int) -> None:
    bars = walk(seed)

    found = find_fair_value_gaps(bars)

    assert len(found.row) > 5
    assert rows_of(found) == find_slowly(bars)


def find_slowly(bars: Bars) -> Found:
    o, h, low, c = (x.tolist() for x in (bars.open, bars.high, bars.low, bars.close))
    found: Found = []
    for i in range(2, len(bars)):
        if low[i] > h[i - 2] and c[i - 1] > o[i - 1]:
            bottom, top, later = h[i - 2], low[i], range(i + 1, len(bars))
            states = (
                [j for j in later if low[j] <= top],
                [j for j in later if low[j] <= (top + bottom) / 2],
                [j for j in later if low[j] <= bottom],
                [j for j in later if c[j] < bottom],
            )
            zone = (i - 1, i, 1, bottom, top, min(low[i - 2], low[i - 1]))
        elif h[i] < low[i - 2] and c[i - 1] < o[i - 1]:
            bottom, top, later = h[i], low[i - 2], range(i + 1, len(bars))
            states = (
                [j for j in later if h[j] >= bottom],
                [j for j in later if h[j] >= (top + bottom) / 2],
                [j for j in later if h[j] >= top],
                [j for j in later if c[j] > top],
            )
            zone = (i - 1, i, -1, bottom, top, max(h[i - 2], h[i - 1]))
        else:
            continue
        found.append((*zone, *(min(rows, default=len(bars)) for rows in states)))
    return found


def test_bars_that_only_touch_leave_no_gap() -> None:
    bars = draw([(10, 11, 9, 10), (10, 13, 10, 13), (12, 13, 11, 12)])

    found = find_fair_value_gaps(bars)

    assert rows_of(found) == []


@pytest.mark.parametrize("middle", [(11, 13, 9, 10.5), (11, 13, 9, 11)], ids=["down", "no body"])
def test_a_gap_needs_a_middle_bar_in_its_direction(middle: Candle) -> None:
    bars = draw([(10, 11, 9, 10), middle, (13, 14, 12, 13)])

    found = find_fair_value_gaps(bars)

    assert rows_of(found) == []


def test_a_gap_to_which_price_never_comes_back_has_no_state() -> None:
    bars = FAIR_VALUE_GAP[:3]

    found = find_fair_value_gaps(bars)

    assert rows_of(found)[0][6:] == (3, 3, 3, 3)


def test_a_close_at_the_far_edge_does_not_invert_the_gap() -> None:
    bars = draw([(10, 11, 9, 10), (10, 13, 10, 13), (13, 14, 12, 13), (13, 13, 10, 11)])

    found = find_fair_value_gaps(bars)

    assert rows_of(found)[0][6:] == (3, 3, 3, 4)


@pytest.mark.parametrize("rows", range(3))
def test_fewer_than_three_bars_have_no_gap(rows: int) -> None:
    found = find_fair_value_gaps(FAIR_VALUE_GAP[:rows])

    assert rows_of(found) == []


def test_many_gaps_that_stay_open_cost_no_more_than_others() -> None:
    # Each bar far above the last: every third bar closes a gap that no bar ever reaches.
    rows = 200_000
    climb = 10 * np.arange(rows, dtype=np.int64)
    bars = draw([(0, 0, 0, 0)])
    bars = Bars(
        bars.timeframe, 0.1, climb, climb, climb + 2, climb, climb + 1, np.full(rows, np.nan)
    )

    found = find_fair_value_gaps(bars)

    assert len(found.row) == rows - 2
    assert (found.touch == rows).all()
