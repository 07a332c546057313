"""Coverage: which bars the sessions of an exchange should have, and which of them are there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np

from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.sessions import Session, find_rows

MIN_COVERAGE = 0.8
"""A session with a smaller share of its bars is not traded."""

HOLE = 10
"""So many sessions in a row without a bar are no holiday of a source."""


@dataclass(frozen=True, slots=True)
class SessionCoverage:
    """The bars of one session."""

    day: date
    expected: int
    present: int

    @property
    def share(self) -> float:
        """Give the share of the expected bars that is there."""
        return self.present / self.expected if self.expected else 1.0

    @property
    def complete(self) -> bool:
        """Say whether no bar is missing."""
        return self.present >= self.expected

    @property
    def tradable(self) -> bool:
        """Say whether enough bars are there to trade the session."""
        return self.share >= MIN_COVERAGE


@dataclass(frozen=True, slots=True)
class Span:
    """Some bars in a row, or their absence."""

    starts_ms: int
    """Open of the first of them, UTC milliseconds."""

    bars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingDays:
    """Sessions in a row of which there is no bar."""

    first: date
    last: date
    sessions: int

    def to_json(self) -> dict[str, Any]:
        """Give it with names as in the class."""
        return {
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "sessions": self.sessions,
        }


def measure_coverage(bars: Bars, sessions: Sequence[Session]) -> tuple[SessionCoverage, ...]:
    """Count the bars of each session that are expected and present.

    H4 and D1 bars do not begin with a session: there, as many are expected as would fit into
    it, at least one, and every bar that overlaps the session counts.
    """
    if bars.timeframe.minutes > Timeframe.H1.minutes:
        return _measure_coarse(bars, sessions)
    bar_ms = bars.timeframe.milliseconds
    first, stop = find_rows(bars.time, sessions)
    on_grid = np.append(0, np.cumsum(bars.time % bar_ms == 0))
    counts = on_grid[stop] - on_grid[first]
    return tuple(
        SessionCoverage(one.day, _count_slots(one, bar_ms), int(count))
        for one, count in zip(sessions, counts, strict=True)
    )


def mark_holed(bars: Bars, sessions: Sequence[Session]) -> tuple[Session, ...]:
    """Say of each session whether it is whole: at least 80 % of its bars, or none at all.

    Only of sessions that are over can this be known, so it is no part of what a setup sees: it
    leaves days out of a backtest, as one would throw away a bad day of data by hand.
    """
    covers = measure_coverage(bars, sessions)
    return tuple(
        replace(one, whole=cover.tradable or not cover.present)
        for one, cover in zip(sessions, covers, strict=True)
    )


def find_hole(covers: Sequence[SessionCoverage]) -> MissingDays | None:
    """Find the longest run of sessions without a bar, as between two files years apart.

    None where it is shorter than ``HOLE`` sessions, or has less than half of the missing bars.
    """
    edges = [row for row, one in enumerate(covers) if one.present]
    first, stop = max(pairwise(edges), key=lambda pair: pair[1] - pair[0], default=(0, 0))
    inside = covers[first + 1 : stop]
    missing = sum(one.expected - one.present for one in covers if not one.complete)
    if len(inside) < HOLE or 2 * sum(one.expected for one in inside) < missing:
        return None
    return MissingDays(first=inside[0].day, last=inside[-1].day, sessions=len(inside))


def find_gaps(bars: Bars, sessions: Sequence[Session]) -> list[Span]:
    """Find the holes inside sessions, oldest first; a session without any bar is no hole."""
    if bars.timeframe.minutes > Timeframe.H1.minutes:
        return []
    bar_ms = bars.timeframe.milliseconds
    gaps: list[Span] = []
    for one, cover in zip(sessions, measure_coverage(bars, sessions), strict=True):
        if 0 < cover.present < cover.expected:
            there = bars.between(one.opens_ms, one.closes_ms).time
            gaps += _group(np.setdiff1d(_slots(one, bar_ms), there), bar_ms)
    return gaps


def _measure_coarse(bars: Bars, sessions: Sequence[Session]) -> tuple[SessionCoverage, ...]:
    bar_ms = bars.timeframe.milliseconds
    found = []
    for one in sessions:
        expected = max((one.closes_ms - one.opens_ms) // bar_ms, 1)
        overlapping = len(bars.between(one.opens_ms - bar_ms + 1, one.closes_ms))
        found.append(SessionCoverage(one.day, expected, min(overlapping, expected)))
    return tuple(found)


def _slots(session: Session, bar_ms: int) -> Ints:
    first = -(-session.opens_ms // bar_ms) * bar_ms
    return np.arange(first, session.closes_ms, bar_ms, dtype=np.int64)


def _count_slots(session: Session, bar_ms: int) -> int:
    return -(-session.closes_ms // bar_ms) + (-session.opens_ms // bar_ms)


def _group(missing: Ints, bar_ms: int) -> list[Span]:
    starts = np.flatnonzero(np.diff(missing, prepend=missing[0] - 2 * bar_ms) != bar_ms)
    lengths = np.diff(np.append(starts, len(missing)))
    return [
        Span(int(missing[start]), int(length))
        for start, length in zip(starts, lengths, strict=True)
    ]
