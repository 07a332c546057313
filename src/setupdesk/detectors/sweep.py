"""Liquidity sweeps: price breaks a level and either closes back inside or stays beyond.

A high and a low are the same thing seen in a mirror, so there is one scan with a sign.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from setupdesk.detectors.kernel import feed, kernel
from setupdesk.market.bars import Bars, Ints

RAID = 0
"""It closed back inside in time."""

ACCEPTED = 1
"""It did not: a true breakout. The side is armed again after a later close inside."""

Sign = Literal[1, -1]
"""+1 for a level that is swept upwards, -1 for one that is swept downwards."""


@dataclass(frozen=True, slots=True, eq=False)
class Sweeps:
    """The sweeps of one level, in order of ``known``."""

    session: Ints
    started: Ints
    """Row of the bar that broke the level."""

    known: Ints
    """Row at whose close the outcome is known: the reclaim, or the last bar of the wait."""

    extreme: Ints
    """Ticks; how far it went from ``started`` to ``known``."""

    kind: Ints
    """``RAID`` or ``ACCEPTED``."""


class Watch(NamedTuple):
    """What to watch in each session."""

    first: Ints
    """First row that may break: the level is known before it."""

    stop: Ints
    level: Ints
    penetration: Ints
    """Ticks; a break is strictly more."""


def find_sweeps(bars: Bars, sign: Sign, watch: Watch, patience: int) -> Sweeps:
    """Find all sweeps; *patience* is the bars from the break within which it must reclaim."""
    reach = bars.high if sign > 0 else bars.low
    fed = Watch(*(feed(column) for column in watch))
    found = _scan(feed(reach), feed(bars.close), sign, fed, patience)
    return Sweeps(found[:, 0], found[:, 1], found[:, 2], found[:, 3] * sign, found[:, 4])


@kernel
def _scan(reach: Ints, close: Ints, sign: int, watch: Watch, patience: int) -> Ints:
    # Each sweep ends on a row of its own, so there is always room; untouched pages cost nothing.
    room = np.maximum(watch.stop - watch.first, 0).sum()
    found = np.empty((room, 5), np.int64)
    count = 0
    for session in range(len(watch.first)):
        row, stop = watch.first[session], watch.stop[session]
        level, deepest = sign * watch.level[session], watch.penetration[session]
        while row < stop:
            if sign * reach[row] - level <= deepest:
                row += 1
                continue
            last = min(row + patience, stop)
            known, extreme, kind = _await_reclaim(reach, close, sign, level, (row, last))
            if kind == ACCEPTED and last - row < patience:
                break
            found[count, 0], found[count, 1], found[count, 2] = session, row, known
            found[count, 3], found[count, 4] = extreme, kind
            count += 1
            row = known + 1
            if kind == ACCEPTED:
                row = _await_close_inside(close, sign, level, row, stop)
    return found[:count].copy()


@kernel
def _await_reclaim(
    reach: Ints, close: Ints, sign: int, level: int, rows: tuple[int, int]
) -> tuple[int, int, int]:
    first, stop = rows
    extreme = sign * reach[first]
    for row in range(first, stop):
        extreme = max(extreme, sign * reach[row])
        if sign * close[row] < level:
            return row, extreme, RAID
    return stop - 1, extreme, ACCEPTED


@kernel
def _await_close_inside(close: Ints, sign: int, level: int, first: int, stop: int) -> int:
    # Armed from the bar after the close inside.
    for row in range(first, stop):
        if sign * close[row] < level:
            return row + 1
    return stop
