"""The volume-weighted average price from an anchor on, and its standard deviation."""

from dataclasses import dataclass

import numpy as np

from setupdesk.detectors.kernel import feed, kernel
from setupdesk.market.bars import Bars, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Vwap:
    """A value for each bar, known at its close; ticks, and NaN where there is none."""

    mid: Floats
    sd: Floats
    """Standard deviation of the price around ``mid``, weighted by volume."""

    def band(self, deviations: float) -> Floats:
        """Give the band so many standard deviations above ``mid``; below, if negative."""
        return self.mid + deviations * self.sd


def find_vwap(bars: Bars, first: Ints, stop: Ints) -> Vwap:
    """Average the typical price ``(high + low + close) / 3`` over the rows from each anchor on.

    The spans ``[first, stop)``, such as sessions, do not overlap; outside of them there is no
    value. Neither is there one before any volume, nor from a bar of unknown volume on. The volume
    of a CFD or a currency is a count of ticks, not of what was traded.
    """
    thirds = feed(bars.high + bars.low + bars.close)
    return Vwap(*_average(thirds, feed(bars.volume), feed(first), feed(stop)))


@kernel
def _average(thirds: Ints, volume: Floats, first: Ints, stop: Ints) -> tuple[Floats, Floats]:
    mid, sd = np.full(len(thirds), np.nan), np.full(len(thirds), np.nan)
    for span in range(len(first)):
        weight = total = squares = 0.0
        for row in range(first[span], stop[span]):
            # From the anchor's price on, so that the squares lose no digits.
            away = thirds[row] - thirds[first[span]]
            weight += volume[row]
            total += away * volume[row]
            squares += away * away * volume[row]
            if weight > 0:
                mean = total / weight
                mid[row] = (thirds[first[span]] + mean) / 3
                sd[row] = np.sqrt(max(squares / weight - mean * mean, 0.0)) / 3
    return mid, sd
