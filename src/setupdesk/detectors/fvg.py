"""Fair value gaps: three bars of which the first and the third do not overlap."""

from dataclasses import dataclass

import numpy as np

from setupdesk.detectors.kernel import feed, kernel
from setupdesk.detectors.mirror import join, mirror, order_by_known
from setupdesk.market.bars import Bars, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class FairValueGaps:
    """The fair value gaps, in order of ``known``; prices are in ticks.

    Each state has the first row after ``known`` at which it holds, known at the close of that
    row; the number of bars if it does not hold yet.
    """

    row: Ints
    """The middle bar."""

    known: Ints
    """The third bar."""

    sign: Ints
    """+1 for a bullish gap, below the price at its birth, -1 for a bearish one."""

    top: Ints
    bottom: Ints
    origin: Ints
    """Where the move began: the lowest low, or highest high, of the first two bars."""

    touch: Ints
    """Price is back at the near edge."""

    ce: Ints
    """Consequent encroachment: price is back at the middle."""

    fill: Ints
    """Price is back at the far edge."""

    invert: Ints
    """A close strictly beyond the far edge: the zone flips its role (inverse gap)."""

    @property
    def near(self) -> Ints:
        """The edge nearer to the price at birth."""
        return np.where(self.sign > 0, self.top, self.bottom)

    @property
    def far(self) -> Ints:
        """The edge farther from the price at birth."""
        return np.where(self.sign > 0, self.bottom, self.top)

    @property
    def mid(self) -> Floats:
        """The middle of the zone, ticks."""
        return (self.top + self.bottom) / 2

    @property
    def size(self) -> Ints:
        """The height of the zone, ticks."""
        return self.top - self.bottom


def find_fair_value_gaps(bars: Bars) -> FairValueGaps:
    """Find the bars whose low is above the high of the second bar before, with an up bar between.

    The zone lies between that high and that low. Bearish gaps are mirrored. The three bars
    follow one another in rows: a hole in the bars does not part them.
    """
    up, down = _find_bullish(bars), _find_bullish(mirror(bars))
    order, sign = order_by_known(up.known, down.known)
    return FairValueGaps(
        join(up.row, down.row, order),
        join(up.known, down.known, order),
        sign,
        join(up.top, -down.bottom, order),
        join(up.bottom, -down.top, order),
        join(up.origin, -down.origin, order),
        join(up.touch, down.touch, order),
        join(up.ce, down.ce, order),
        join(up.fill, down.fill, order),
        join(up.invert, down.invert, order),
    )


def _find_bullish(bars: Bars) -> FairValueGaps:
    apart = (bars.low[2:] > bars.high[:-2]) & (bars.close[1:-1] > bars.open[1:-1])
    row = np.flatnonzero(apart) + 1
    known, top, bottom = row + 1, bars.low[row + 1], bars.high[row - 1]

    # Ticks are whole: at or below the middle is at or below the tick under it.
    touch, ce, fill = (
        _find_reached(feed(bars.low), feed(known), feed(edge))
        for edge in (top, (top + bottom) // 2, bottom)
    )
    invert = _find_reached(feed(bars.close), feed(known), feed(bottom - 1))
    origin = np.minimum(bars.low[row - 1], bars.low[row])
    sign = np.ones(len(row), np.int64)
    return FairValueGaps(row, known, sign, top, bottom, origin, touch, ce, fill, invert)


@kernel
def _find_reached(price: Ints, after: Ints, level: Ints) -> Ints:
    # First row after each of `after`, in ascending order, with a price at or below the level.
    # Seen from a bar, only rows lower than all between can be it: `lower` has these, nearest
    # last and so highest last.
    found = np.full(len(after), len(price))
    lower = np.empty(len(price), np.int64)
    count, row = 0, len(price) - 1
    for event in range(len(after) - 1, -1, -1):
        while row > after[event]:
            while count > 0 and price[lower[count - 1]] >= price[row]:
                count -= 1
            lower[count] = row
            count += 1
            row -= 1
        reached, above = 0, count
        while reached < above:
            middle = (reached + above) // 2
            if price[lower[middle]] <= level[event]:
                reached = middle + 1
            else:
                above = middle
        if reached > 0:
            found[event] = lower[reached - 1]
    return found
