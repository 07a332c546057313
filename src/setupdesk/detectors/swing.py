"""Swings, or fractals: highs and lows that stand out from the bars around them."""

from dataclasses import dataclass

import numpy as np

from setupdesk.detectors.kernel import feed, kernel
from setupdesk.detectors.mirror import join, order_by_known
from setupdesk.market.bars import Bars, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Swings:
    """The confirmed swings, in order of ``known``; of a bar that is both, the high first."""

    row: Ints
    """The bar that stands out: a swing looks obvious there, and is not known yet."""

    known: Ints
    """``row + right``."""

    price: Ints
    """Ticks."""

    sign: Ints
    """+1 for a swing high, -1 for a swing low."""


def find_swings(bars: Bars, left: int, right: int) -> Swings:
    """Find the highs above the *left* highs before and not below the *right* highs after.

    The first of equal highs wins. Swing lows are mirrored. A bar with fewer than *left* bars
    before it or *right* after it is none.
    """
    highs, lows = _find_peaks(bars.high, left, right), _find_peaks(-bars.low, left, right)
    order, sign = order_by_known(highs, lows)
    row = join(highs, lows, order)
    price = join(bars.high[highs], bars.low[lows], order)
    return Swings(row, row + right, price, sign)


def _find_peaks(price: Ints, left: int, right: int) -> Ints:
    before, after = _find_higher(feed(price))
    rows = np.arange(len(price))
    return np.flatnonzero((rows - before > left) & (after - rows > right))


@kernel
def _find_higher(price: Ints) -> tuple[Ints, Ints]:
    # Of each bar: the nearest one before that is as high or higher, and the nearest one after
    # that is higher. The bars that wait for a higher one are chained by `before`, lowest last.
    before = np.empty(len(price), np.int64)
    after = np.full(len(price), len(price))
    lowest = -1
    for row in range(len(price)):
        while lowest >= 0 and price[lowest] < price[row]:
            after[lowest] = row
            lowest = before[lowest]
        before[row] = lowest
        lowest = row
    return before, after
