"""Stretches: price closes too far from a line that moves with it, and comes back."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from setupdesk.detectors.kernel import feed, kernel
from setupdesk.market.bars import Bars, Floats, Ints


class Band(NamedTuple):
    """A line and how far is too far, in ticks, a value for each bar; NaN is never too far."""

    line: Floats
    distance: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """The stretches that came back in time, in order of ``known``."""

    session: Ints
    sign: Ints
    """+1 where price was too high, -1 where it was too low."""

    started: Ints
    """The first close beyond the band."""

    known: Ints
    """The first close back within it."""

    extreme: Ints
    """Ticks; the close that was farthest out."""


def find_stretches(bars: Bars, first: Ints, stop: Ints, band: Band, patience: int) -> Stretches:
    """Find a close strictly beyond the band, then the first close within it.

    Each bar is held against the band as of that bar. *first* and *stop* are the rows
    ``[first, stop)`` of each session. It must be back within *patience* bars of the first close
    beyond; if it is not, it counts no more.
    """
    fed = Band(feed(band.line), feed(band.distance))
    found = _scan(feed(bars.close), feed(first), feed(stop), fed, patience)
    return Stretches(*(found[:, place] for place in range(5)))


@kernel
def _scan(close: Ints, first: Ints, stop: Ints, band: Band, patience: int) -> Ints:
    room = np.maximum(stop - first, 0).sum()
    found = np.empty((room, 5), np.int64)
    count = 0
    for session in range(len(first)):
        sign, started, extreme = 0, 0, 0
        for row in range(first[session], stop[session]):
            away = close[row] - band.line[row]
            now = 0
            if abs(away) > band.distance[row]:
                now = 1 if away > 0 else -1
            if now == 0 and sign != 0 and row - started <= patience:
                found[count] = session, sign, started, row, extreme
                count += 1
            if now != sign:
                sign, started, extreme = now, row, close[row]
            elif now != 0:
                extreme = max(extreme, close[row]) if now > 0 else min(extreme, close[row])
    return found[:count].copy()
