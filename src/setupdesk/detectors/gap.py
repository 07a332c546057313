"""Session gaps: from the previous session's close to the open."""

from dataclasses import dataclass

import numpy as np

from setupdesk.detectors.kernel import Candles, feed, feed_candles, kernel
from setupdesk.detectors.previous_day import find_previous_days
from setupdesk.market.bars import Bars, Ints


@dataclass(frozen=True, slots=True, eq=False)
class SessionGaps:
    """The gap of each session; prices are in ticks, 0 where it has none."""

    known: Ints
    """First row of the session; the number of bars if it has none yet, or none before it has any.

    The gap is known at that bar's open; by bars, at its close.
    """

    size: Ints
    """Open less previous close: positive for a gap up."""

    open: Ints
    close: Ints
    """Of the previous session: what the gap would be filled at."""

    fill: Ints
    """First row of the session that touches ``close``; the number of bars if none has."""


def find_session_gaps(bars: Bars, first: Ints, stop: Ints) -> SessionGaps:
    """Measure each session, of rows ``[first, stop)``, against the last one before with bars."""
    previous = find_previous_days(bars, first, stop)
    has_gap = previous.known < len(bars)
    known = np.where(has_gap, first, len(bars))
    opened = np.zeros(len(first), np.int64)
    opened[has_gap] = bars.open[first[has_gap]]
    close = np.where(has_gap, previous.close, 0)
    size = opened - close
    fill = _await_touch(feed_candles(bars), feed(known), feed(stop), feed(close), feed(size))
    return SessionGaps(known, size, opened, close, fill)


@kernel
def _await_touch(candles: Candles, first: Ints, stop: Ints, level: Ints, size: Ints) -> Ints:
    touched = np.full(len(first), len(candles.high))
    for session in range(len(first)):
        side = 1 if size[session] >= 0 else -1
        edge = candles.low if side > 0 else candles.high
        for row in range(first[session], stop[session]):
            if side * edge[row] <= side * level[session]:
                touched[session] = row
                break
    return touched
