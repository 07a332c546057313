"""Wilder's average true range."""

import numpy as np

from setupdesk.detectors.kernel import feed, kernel
from setupdesk.market.bars import Bars, Floats, Ints


def find_atr(bars: Bars, length: int) -> Floats:
    """Give the ATR in ticks, known at the close of each bar; NaN before bar ``length - 1``.

    It is recursive: its fourth digit still depends on the first bar after ten lengths.
    """
    return _smooth(feed(bars.high), feed(bars.low), feed(bars.close), length)


@kernel
def _smooth(high: Ints, low: Ints, close: Ints, length: int) -> Floats:
    atr = np.full(len(high), np.nan)
    if len(high) < length:
        return atr
    total = 0
    for row in range(length):
        total += _true_range(high, low, close, row)
    mean = total / length
    atr[length - 1] = mean
    for row in range(length, len(high)):
        mean = (mean * (length - 1) + _true_range(high, low, close, row)) / length
        atr[row] = mean
    return atr


@kernel
def _true_range(high: Ints, low: Ints, close: Ints, row: int) -> int:
    if row == 0:
        return int(high[0] - low[0])
    before = close[row - 1]
    return int(max(high[row] - low[row], abs(high[row] - before), abs(low[row] - before)))
