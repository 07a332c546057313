"""Jumps: bars so much wider than those before them that they are worth a look."""

from dataclasses import dataclass

import numpy as np

from setupdesk.market.bars import Bars, Floats

JUMP = 8.0
"""A bar with a true range of so many ATR is worth a look."""

_ATR_LENGTH = 14
_BLOCK = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """A bar that is far wider than those before it."""

    at_ms: int
    """UTC milliseconds of its open."""

    points: float
    """Its true range."""

    ranges: float
    """The same in ATR of the bar before."""


def find_jumps(bars: Bars) -> list[Jump]:
    """Find the bars whose true range is beyond ``JUMP`` ATR of the bar before."""
    if len(bars) <= _ATR_LENGTH:
        return []
    ranges = _true_ranges(bars)
    before = _smooth(ranges[_ATR_LENGTH:], float(ranges[:_ATR_LENGTH].mean()))
    times = ranges[_ATR_LENGTH:] / np.maximum(before, 1.0)
    return [
        Jump(
            at_ms=int(bars.time[row + _ATR_LENGTH]),
            points=float(ranges[row + _ATR_LENGTH] * bars.tick),
            ranges=float(times[row]),
        )
        for row in np.flatnonzero(times > JUMP).tolist()
    ]


def _smooth(ranges: Floats, mean: float) -> Floats:
    # Wilder's average before each bar, by blocks, for a step a bar takes long: within a block
    # it is a sum of ranges, of which each has faded since by its distance.
    faded = (1 - 1 / _ATR_LENGTH) ** np.arange(1, _BLOCK + 1)
    before = np.empty(len(ranges))
    for start in range(0, len(ranges), _BLOCK):
        block = ranges[start : start + _BLOCK]
        share = faded[: len(block)]
        after = share * (mean + np.cumsum(block / share) / _ATR_LENGTH)
        before[start : start + _BLOCK] = np.append(mean, after[:-1])
        mean = float(after[-1])
    return before


def _true_ranges(bars: Bars) -> Floats:
    # Across a pause of the market the gap is its own affair: only the bar's range counts.
    ranges = (bars.high - bars.low).astype(np.float64)
    before = bars.close[:-1]
    reach = np.maximum(bars.high[1:], before) - np.minimum(bars.low[1:], before)
    adjacent = np.diff(bars.time) == bars.timeframe.milliseconds
    ranges[1:] = np.where(adjacent, reach, ranges[1:])
    return ranges
