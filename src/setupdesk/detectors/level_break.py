"""Breaks of a level by the close: price does not only reach beyond it, it stays there."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from setupdesk.detectors.kernel import feed, kernel
from setupdesk.detectors.sweep import Sign
from setupdesk.market.bars import Bars, Ints


class Span(NamedTuple):
    """What to watch in each session."""

    first: Ints
    """First row that may break: the level is known before it."""

    stop: Ints
    level: Ints


@dataclass(frozen=True, slots=True, eq=False)
class LevelBreaks:
    """The breaks of one level, in order of ``known``."""

    session: Ints
    started: Ints
    """The first close beyond."""

    known: Ints
    """The last of the closes that had to follow one another."""


def find_level_breaks(bars: Bars, sign: Sign, span: Span, confirm: int) -> LevelBreaks:
    """Find where *confirm* bars in a row close strictly beyond; a close that does not arms anew."""
    fed = Span(*(feed(column) for column in span))
    found = _scan(feed(bars.close), sign, fed, confirm)
    return LevelBreaks(found[:, 0], found[:, 1], found[:, 2])


@kernel
def _scan(close: Ints, sign: int, span: Span, confirm: int) -> Ints:
    room = np.maximum(span.stop - span.first, 0).sum()
    found = np.empty((room, 3), np.int64)
    count = 0
    for session in range(len(span.first)):
        level, beyond = sign * span.level[session], 0
        for row in range(span.first[session], span.stop[session]):
            beyond = beyond + 1 if sign * close[row] > level else 0
            if beyond == confirm:
                found[count] = session, row - confirm + 1, row
                count += 1
    return found[:count].copy()
