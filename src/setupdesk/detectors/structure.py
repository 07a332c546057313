"""Market structure: breaks of the last swing, with the trend (BOS) or against it (CHoCH, MSS)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from setupdesk.detectors.displacement import Displacements
from setupdesk.detectors.kernel import feed, kernel
from setupdesk.detectors.swing import Swings
from setupdesk.market.bars import Bars, Ints

BREAK = 0
"""There was no trend yet."""

BOS = 1
"""Break of structure: with the trend."""

CHOCH = 2
"""Change of character: against the trend."""


@dataclass(frozen=True, slots=True, eq=False)
class Breaks:
    """The breaks of structure, in order of ``known``; of a bar that breaks both sides, up first."""

    known: Ints
    """The breaking bar."""

    sign: Ints
    """+1 for a swing high broken upwards, -1 for a swing low broken downwards."""

    kind: Ints
    """``BREAK``, ``BOS`` or ``CHOCH``."""

    level: Ints
    """Ticks; the price of the broken swing."""

    swing_row: Ints
    """The bar of the broken swing."""

    def where(self, chosen: NDArray[np.bool_]) -> "Breaks":
        """Give the breaks that are *chosen*."""
        return Breaks(
            self.known[chosen],
            self.sign[chosen],
            self.kind[chosen],
            self.level[chosen],
            self.swing_row[chosen],
        )


def find_breaks(bars: Bars, swings: Swings, by: Literal["close", "wick"] = "close") -> Breaks:
    """Find the bars strictly beyond the last confirmed swing high or low.

    A swing counts from the bar after it is known, replaces the one before it, and is consumed by
    its break. A break sets the trend; a bar whose wicks break both sides leaves none.
    """
    up, down = (bars.close, bars.close) if by == "close" else (bars.high, bars.low)
    columns = (swings.known, swings.sign, swings.price)
    found = _scan(feed(up), feed(down), *(feed(column) for column in columns))
    swing = found[:, 3]
    return Breaks(found[:, 0], found[:, 1], found[:, 2], swings.price[swing], swings.row[swing])


def find_shifts(breaks: Breaks, displacements: Displacements) -> Breaks:
    """Give the market structure shifts: CHoCHs whose bar is a displacement in their direction."""
    # Nothing breaks or is displaced on the first bar, so row and sign fit into one number.
    large = np.isin(breaks.known * breaks.sign, displacements.known * displacements.sign)
    return breaks.where((breaks.kind == CHOCH) & large)


@kernel
def _scan(up: Ints, down: Ints, known: Ints, sign: Ints, price: Ints) -> Ints:
    # A swing is broken once, so there is always room.
    found = np.empty((len(known), 4), np.int64)
    count = swing = trend = 0
    high = low = -1
    for row in range(len(up)):
        while swing < len(known) and known[swing] < row:
            if sign[swing] > 0:
                high = swing
            else:
                low = swing
            swing += 1
        start, before, turned = count, trend, 0
        if high >= 0 and up[row] > price[high]:
            found[count] = row, 1, _name(1, before), high
            count, turned, high = count + 1, turned + 1, -1
        if low >= 0 and down[row] < price[low]:
            found[count] = row, -1, _name(-1, before), low
            count, turned, low = count + 1, turned - 1, -1
        if count > start:
            trend = turned
    return found[:count].copy()


@kernel
def _name(sign: int, trend: int) -> int:
    if trend == 0:
        return BREAK
    return BOS if sign == trend else CHOCH
