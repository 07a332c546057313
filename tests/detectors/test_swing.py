import pytest

from setupdesk.detectors.swing import Swings, find_swings
from setupdesk.market.bars import Bars
from tests.detectors.goldens import SWINGS
from tests.detectors.markets import draw, walk

Found = list[tuple[int, int, int, int]]


def rows_of(found: Swings) -> Found:
    columns = (found.row, found.known, found.price, found.sign)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_golden_4_a_swing_is_known_when_the_bars_after_it_have_closed() -> None:
    found = find_swings(SWINGS, 2, 2)

    assert rows_of(found) == [(2, 4, 150, 1), (6, 8, 80, -1), (7, 9, 130, 1)]


@pytest.mark.parametrize(("left", "right"), [(1, 1), (2, 2), (3, 1), (1, 4), (5, 5), (0, 0)])
@pytest.mark.parametrize("seed", range(10))
def test_the_scan_agrees_with_the_definition(seed: int, left: int, right: int) -> None:
    bars = walk(seed)

    found = find_swings(bars, left, right)

    assert len(found.row) > 5
    assert rows_of(found) == swing_slowly(bars, left, right)


def swing_slowly(bars: Bars, left: int, right: int) -> Found:
    found: Found = []
    for row in range(left, len(bars) - right):
        for sign, edge in ((1, bars.high), (-1, bars.low)):
            prices = [sign * int(price) for price in edge]
            before, after = prices[row - left : row], prices[row + 1 : row + right + 1]
            if all(prices[row] > one for one in before) and all(
                prices[row] >= one for one in after
            ):
                found.append((row, row + right, sign * prices[row], sign))
    return found


def test_the_first_of_equal_highs_is_the_swing() -> None:
    bars = draw([(9, high, 5 + high % 2, 9) for high in (10, 12, 12, 12, 10)])

    found = find_swings(bars, 1, 1)

    assert [one for one in rows_of(found) if one[3] > 0] == [(1, 2, 120, 1)]


def test_a_flat_market_has_no_swings() -> None:
    bars = draw([(10, 11, 9, 10)] * 20)

    found = find_swings(bars, 1, 1)

    assert rows_of(found) == []


def test_a_bar_may_be_a_swing_high_and_a_swing_low() -> None:
    bars = draw([(10, 11, 9, 10), (10, 12, 8, 10), (10, 11, 9, 10)])

    found = find_swings(bars, 1, 1)

    assert rows_of(found) == [(1, 2, 120, 1), (1, 2, 80, -1)]


@pytest.mark.parametrize("rows", range(5))
def test_without_enough_bars_on_both_sides_there_is_no_swing(rows: int) -> None:
    bars = SWINGS[1 : 1 + rows]

    found = find_swings(bars, 2, 2)

    assert rows_of(found) == []
