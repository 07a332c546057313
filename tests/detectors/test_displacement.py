from decimal import Decimal

import numpy as np
import pytest

from setupdesk.detectors.displacement import Displacements, find_displacements
from setupdesk.market.bars import Bars, Floats
from tests.detectors.goldens import DISPLACEMENT
from tests.detectors.markets import draw, walk


def rows_of(found: Displacements) -> list[tuple[int, int]]:
    return list(zip(found.known.tolist(), found.sign.tolist(), strict=True))


def test_golden_10_a_displacement_is_large_for_the_atr_of_the_bar_before() -> None:
    atr = np.array([6.0, 6.0, 5.5, 9.0])

    found = find_displacements(DISPLACEMENT, atr, 1.5, 0.6)

    assert rows_of(found) == [(2, 1)]


@pytest.mark.parametrize(("multiple", "share"), [(1.5, 0.6), (0.5, 0.55), (1.0, 0.7), (0.0, 0.0)])
@pytest.mark.parametrize("seed", range(5))
def test_the_search_agrees_with_the_definition(seed: int, multiple: float, share: float) -> None:
    bars = walk(seed)
    atr = np.random.default_rng(seed).integers(2, 20, len(bars)) / 2

    found = find_displacements(bars, atr, multiple, share)

    assert len(found.known) > 5
    assert rows_of(found) == find_slowly(bars, atr, Decimal(str(multiple)), Decimal(str(share)))


def find_slowly(
    bars: Bars, atr: Floats, multiple: Decimal, share: Decimal
) -> list[tuple[int, int]]:
    found = []
    for row in range(1, len(bars)):
        moved = int(bars.close[row] - bars.open[row])
        is_large = abs(moved) >= multiple * Decimal(float(atr[row - 1]))
        is_clean = abs(moved) >= share * int(bars.high[row] - bars.low[row])
        if moved != 0 and is_large and is_clean:
            found.append((row, 1 if moved > 0 else -1))
    return found


@pytest.mark.parametrize(("close", "count"), [(15.4, 0), (15.5, 1)])
def test_a_body_of_just_the_share_is_enough(close: float, count: int) -> None:
    bars = draw([(10, 10, 10, 10), (10, 20, 10, close)])

    found = find_displacements(bars, np.ones(2), 1.5, 0.55)

    assert len(found.known) == count


def test_without_an_atr_before_it_a_bar_is_no_displacement() -> None:
    bars = draw([(10, 20, 10, 20), (20, 30, 20, 30), (30, 40, 30, 40)])

    found = find_displacements(bars, np.array([np.nan, 1.0, 1.0]), 1.5, 0.6)

    assert rows_of(found) == [(2, 1)]


def test_no_bars_have_no_displacement() -> None:
    found = find_displacements(draw([]), np.empty(0), 1.5, 0.6)

    assert rows_of(found) == []
