"""The range of a session's window, such as the initial balance."""

from dataclasses import dataclass

import numpy as np

from setupdesk.detectors.kernel import feed, kernel
from setupdesk.market.bars import Bars, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Ranges:
    """Highs and lows of one window, a value per session."""

    high: Ints
    """Ticks; 0 where the window has no bars."""

    low: Ints
    count: Ints
    """Bars inside the window."""

    known: Ints
    """Row at whose close the range is final; the number of bars if it is not yet."""

    def above(self, share: float) -> Floats:
        """Give the extension upwards: the high and *share* of the range, in ticks."""
        return self.high + share * (self.high - self.low)

    def below(self, share: float) -> Floats:
        """Give the extension downwards: the low less *share* of the range, in ticks."""
        return self.low - share * (self.high - self.low)


def find_ranges(bars: Bars, starts_ms: Ints, ends_ms: Ints) -> Ranges:
    """Measure the windows ``[start, end)``, one per session."""
    first = np.searchsorted(bars.time, starts_ms)
    stop = np.searchsorted(bars.time, ends_ms)
    high, low = _measure(feed(bars.high), feed(bars.low), feed(first), feed(stop))

    # The bar that closes at the end, or after a hole the first one that closes later.
    known = np.searchsorted(bars.time, ends_ms - bars.timeframe.milliseconds)
    return Ranges(high, low, stop - first, known)


@kernel
def _measure(high: Ints, low: Ints, first: Ints, stop: Ints) -> tuple[Ints, Ints]:
    highs = np.zeros(len(first), np.int64)
    lows = np.zeros(len(first), np.int64)
    for session in range(len(first)):
        if first[session] < stop[session]:
            highs[session] = high[first[session] : stop[session]].max()
            lows[session] = low[first[session] : stop[session]].min()
    return highs, lows
