"""Session gaps: from the previous session's close to the open."""

from dataclasses import dataclass

import numpy as np

from setupdesk.detectors.kernel import feed, kernel
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
    columns = (bars.high, bars.low, known, stop, opened, close)
    fill = _await_touch(*(feed(column) for column in columns))
    return SessionGaps(known, opened - close, opened, close, fill)


@kernel
def _await_touch(high: Ints, low: Ints, first: Ints, stop: Ints, opened: Ints, price: Ints) -> Ints:
    touched = np.full(len(first), len(high))
    for session in range(len(first)):
        level = price[session]
        is_up = opened[session] >= level
        for row in range(first[session], stop[session]):
            if low[row] <= level if is_up else high[row] >= level:
                touched[session] = row
                break
    return touched
