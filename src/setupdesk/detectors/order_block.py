"""Order blocks: the last candle against a move that went on to break structure."""

from dataclasses import dataclass

import numpy as np

from setupdesk.detectors.kernel import Candles, feed, feed_candles, kernel
from setupdesk.detectors.structure import Breaks
from setupdesk.market.bars import Bars, Ints

_REACH = 5
"""Bars to look back over, from the origin of the move and with it."""


@dataclass(frozen=True, slots=True, eq=False)
class OrderBlocks:
    """The order blocks, in order of ``known``; prices are in ticks."""

    row: Ints
    """The bar whose range is the zone."""

    known: Ints
    """The bar that broke structure."""

    sign: Ints
    """+1 for a down bar before a break upwards, -1 for an up bar before one downwards."""

    top: Ints
    bottom: Ints


def find_order_blocks(bars: Bars, breaks: Breaks) -> OrderBlocks:
    """Find, for each break upwards, the last down bar up to the origin of the move.

    The origin is the lowest bar between the broken swing and the break, the first of equals. The
    order block is at most four bars before it; if none of these is a down bar there is no order
    block. Breaks downwards are mirrored.
    """
    events = (feed(column) for column in (breaks.known, breaks.sign, breaks.swing_row))
    row = _walk_back(feed_candles(bars), *events)
    found = row >= 0
    row = row[found]
    return OrderBlocks(row, breaks.known[found], breaks.sign[found], bars.high[row], bars.low[row])


@kernel
def _walk_back(candles: Candles, known: Ints, sign: Ints, swing_row: Ints) -> Ints:
    found = np.full(len(known), -1)
    for event in range(len(known)):
        side = sign[event]
        edge = candles.low if side > 0 else candles.high
        origin = swing_row[event] + 1
        for row in range(origin, known[event]):
            if side * edge[row] < side * edge[origin]:
                origin = row
        if origin == known[event]:
            continue
        for row in range(origin, max(origin - _REACH, -1), -1):
            if side * candles.close[row] < side * candles.open[row]:
                found[event] = row
                break
    return found
