"""Comparison: where two sources of one symbol say different things, and where one says nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.coverage import MissingDays
from setupdesk.market.sessions import Session, find_rows

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayComparison:
    """A day of which both sources have bars, and on which they disagree."""

    day: date
    missing_in_a: int
    missing_in_b: int
    differing: int
    """Bars whose high or low differ by more than the ticks allowed."""

    worst: float
    """The largest difference of a high or a low on that day, in points."""

    def to_json(self) -> dict[str, Any]:
        """Give it with names as in the class."""
        return {
            "day": self.day.isoformat(),
            "missing_in_a": self.missing_in_a,
            "missing_in_b": self.missing_in_b,
            "differing": self.differing,
            "worst": round(self.worst, 10),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two sources, a and b, say of the same sessions."""

    shared: int
    """Sessions of which both have bars."""

    days: tuple[DayComparison, ...]
    """Of these, those on which they disagree: other prices first, then bars that one lacks."""

    missing_in_a: tuple[MissingDays, ...]
    """Sessions that only b has."""

    missing_in_b: tuple[MissingDays, ...]

    def to_json(self) -> dict[str, Any]:
        """Give it with names as in the class, but ``sessions`` for those that both have."""
        return {
            "sessions": self.shared,
            "days": [day.to_json() for day in self.days],
            "missing_in_a": [each.to_json() for each in self.missing_in_a],
            "missing_in_b": [each.to_json() for each in self.missing_in_b],
        }


def compare(
    a: Bars, b: Bars, symbol: Symbol, sessions: Sequence[Session], ticks: int = 20
) -> Comparison:
    """Name the days on which two sources of one symbol and timeframe disagree.

    They do where one lacks bars that the other has, or where a high or low differs by more
    than *ticks* of the symbol. A session that one lacks altogether is no disagreement.
    """
    if a.timeframe is not b.timeframe:
        raise ValueError(f"{a.timeframe} and {b.timeframe} bars cannot be compared")
    sessions = _widen(sessions, a.timeframe)
    has_a, has_b = (np.subtract(*find_rows(each.time, sessions)) != 0 for each in (a, b))
    both = [one for one, is_shared in zip(sessions, has_a & has_b, strict=True) if is_shared]
    days = [_compare_day(a, b, one, ticks * symbol.tick) for one in both]
    wrong = [day for day in days if day.missing_in_a or day.missing_in_b or day.differing]
    return Comparison(
        shared=len(both),
        days=tuple(sorted(wrong, key=lambda day: not day.differing)),
        missing_in_a=_find_runs(sessions, ~has_a & has_b, has_a),
        missing_in_b=_find_runs(sessions, ~has_b & has_a, has_b),
    )


def _widen(sessions: Sequence[Session], timeframe: Timeframe) -> Sequence[Session]:
    # H4 and D1 bars do not begin with a session: those that overlap it are its own.
    if timeframe.minutes <= Timeframe.H1.minutes:
        return sessions
    before = timeframe.milliseconds - 1
    return [replace(one, opens_ms=one.opens_ms - before) for one in sessions]


def _compare_day(a: Bars, b: Bars, session: Session, allowed: float) -> DayComparison:
    ours, theirs = (each.between(session.opens_ms, session.closes_ms) for each in (a, b))
    _, rows, others = np.intersect1d(
        ours.time, theirs.time, assume_unique=True, return_indices=True
    )
    apart = np.zeros(len(rows))
    side: Literal["high", "low"]
    for side in ("high", "low"):
        left, right = getattr(ours, side)[rows] * a.tick, getattr(theirs, side)[others] * b.tick
        apart = np.maximum(apart, np.abs(left - right))
    # A tenth of a tick is the float's own noise.
    return DayComparison(
        day=session.day,
        missing_in_a=len(theirs) - len(rows),
        missing_in_b=len(ours) - len(rows),
        differing=int(np.count_nonzero(apart > allowed + a.tick / 10)),
        worst=float(apart.max(initial=0.0)),
    )


def _find_runs(
    sessions: Sequence[Session], missing: Flags, present: Flags
) -> tuple[MissingDays, ...]:
    # A session that neither has breaks no run: a holiday that was traded nowhere.
    runs: list[list[date]] = []
    goes_on = False
    for one, is_missing, is_present in zip(sessions, missing, present, strict=True):
        if is_missing and goes_on:
            runs[-1].append(one.day)
        elif is_missing:
            runs.append([one.day])
        goes_on = not is_present and (goes_on or bool(is_missing))
    return tuple(MissingDays(first=run[0], last=run[-1], sessions=len(run)) for run in runs)
