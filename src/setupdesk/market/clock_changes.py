"""Changes of clocks: whether bars leave out, or double, the hour that a clock does.

A market that never closes shows its clock by nothing else.
"""

from datetime import UTC, datetime

import numpy as np

from setupdesk.market.bars import Bars, Ints
from setupdesk.market.clock import Clock

_HOUR_MS = 3_600_000


def weigh_changes(wall: Bars, clock: Clock) -> tuple[list[datetime], list[datetime]]:
    """Give the changes of *clock* that the wall times of bars follow, and those they do not."""
    times = np.sort(wall.time)
    kept: list[datetime] = []
    broken: list[datetime] = []
    size = wall.timeframe.milliseconds
    if not len(times) or size > _HOUR_MS:
        return kept, broken
    for change in clock.changes_ms(times).tolist():
        before, after = clock.to_wall_ms(np.array([change - 1, change])).tolist()
        step = after - before - 1
        low, high = sorted((before + 1, after))
        inside = _fill(times, low, high, size)
        beside = (low - abs(step), low), (high, high + abs(step))
        around = min(_fill(times, begin, stop, size) for begin, stop in beside)
        if around < 0.8:
            continue
        fits = inside < 0.25 if step > 0 else inside > 1.5
        (kept if fits else broken).append(datetime.fromtimestamp(change / 1000, UTC))
    return kept, broken


def _fill(times: Ints, begin: int, stop: int, size: int) -> float:
    first, last = np.searchsorted(times, [begin, stop])
    return float(last - first) * size / max(stop - begin, 1)
