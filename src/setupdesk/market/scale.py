"""Scale and spikes: prices that no market made, found where neighbouring bars do not fit.

A part of a series in another unit steps by a power of ten at its edge; a lone wrong price
sticks out of the bars beside it and is gone in the next.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setupdesk.core.symbol import Week
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.market.days import from_ms

STEP = 3.0
"""Closes of neighbouring bars that are further apart than by this factor are of two scales."""

SPIKE_SHARE, SPIKE_RANGES = 0.05, 15.0
"""A spike is farther from the bars beside it than so much of the price and so many ranges."""

_NEAR = 1.2
_APART_MS = 30 * 86_400_000
_BESIDE = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Spike:
    """A bar whose high or low lies far from both bars beside it."""

    at_ms: int
    """UTC milliseconds of its open."""

    price: float
    """The high or low that sticks out."""

    beside: float
    """The nearest price of the bars beside it."""

    @property
    def size(self) -> float:
        """Give the distance in points."""
        return abs(self.price - self.beside)


def find_scale_steps(
    time: Ints, close: Floats | Ints, timeframe: Timeframe, week: Week
) -> NDArray[np.bool_]:
    """Flag the rows whose close is in another scale than the one before.

    A month without bars proves nothing. Of a market that never closes, a coin may in fact
    treble within four hours or a day, so there it takes a factor near 10 or 100.
    """
    # A damaged file may have prices of any size: what cannot be divided is out of all scale.
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        ratio = close[1:] / close[:-1]
        factor = np.nan_to_num(np.maximum(ratio, 1 / ratio), nan=np.inf)
    steps = factor > STEP
    if week == "24x7" and timeframe.minutes > Timeframe.H1.minutes:
        steps = np.zeros(len(factor), np.bool_)
        for power in (10, 100):
            steps |= (factor > power / _NEAR) & (factor < power * _NEAR)
    return np.append(False, steps & (np.diff(time) < _APART_MS))[: len(close)]


def find_spikes(bars: Bars) -> list[Spike]:
    """Find the bars that stick out of both bars beside them, in the order of time."""
    if len(bars) < 3:
        return []
    above, below = _find_edges(bars.high, np.maximum), _find_edges(bars.low, np.minimum)
    far = np.maximum(bars.high - above, below - bars.low)
    rows = np.flatnonzero(far > SPIKE_SHARE * bars.close).tolist()
    return [
        _make_spike(bars, row, above, below)
        for row in rows
        if far[row] > SPIKE_RANGES * _usual_range(bars, row)
    ]


def warn_of_spikes(bars: Bars) -> list[str]:
    """Give the warning of an import that has spikes, as one sentence; else nothing."""
    spikes = find_spikes(bars)
    if not spikes:
        return []
    first, more = spikes[0], f" ({len(spikes):,} such bars)" if len(spikes) > 1 else ""
    says = (
        f"The bar of {from_ms(first.at_ms):%Y-%m-%d %H:%M} UTC reaches {first.price:,.10g}, "
        f"{first.size:,.10g} points beyond the bars beside it{more}: a wrong price, most likely. "
        f"Compare it with another source, mend the file, and import it anew with --replace."
    )
    return [says]


def _make_spike(bars: Bars, row: int, above: Ints, below: Ints) -> Spike:
    is_up = bars.high[row] - above[row] > below[row] - bars.low[row]
    price, beside = (bars.high, above) if is_up else (bars.low, below)
    return Spike(
        at_ms=int(bars.time[row]),
        price=float(price[row] * bars.tick),
        beside=float(beside[row] * bars.tick),
    )


def _find_edges(prices: Ints, further: np.ufunc) -> Ints:
    # Of the bar before and the bar after; the first and the last have one of them.
    before, after = np.append(prices[1], prices[:-1]), np.append(prices[1:], prices[-2])
    return np.asarray(further(before, after))


def _usual_range(bars: Bars, row: int) -> float:
    # Of the bars before and after: a median, which other spikes do not move.
    near = slice(max(row - _BESIDE, 0), row + _BESIDE + 1)
    return max(float(np.median(bars.high[near] - bars.low[near])), 1.0)
