"""Stamping: whether the times of bars are those of their open, or of their close.

Markets open and close on the full or half hour. Bars stamped at their close begin one bar
after it and end on it, so the breaks of a market tell; else the opening of its session does.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.clock import Clock
from setupdesk.market.opening import FINEST, find_opening, show_time_of_day

Stamped = Literal["open", "close"]

_MINUTE_MS = 60_000
_NIGHT_MS = 4 * 60 * _MINUTE_MS
_PAUSE_MS = 45 * _MINUTE_MS
_QUARTER = 15
_BREAKS = 3
_MOST = 0.8
_MOST_BARS = 100_000


@dataclass(frozen=True, slots=True)
class Stamping:
    """Which end of a bar its time names, and what speaks for the close."""

    at: Stamped
    evidence: str = ""


OPEN = Stamping("open")


def find_stamping(bars: Bars, symbol: Symbol) -> Stamping:
    """Find which end of their span the times of *bars*, now in UTC, name.

    It is the open where nothing speaks for the close, and always on H1 and above.
    """
    if bars.timeframe.minutes >= Timeframe.H1.minutes:
        return OPEN
    zone = symbol.session.zone
    wall = Clock(zone, zone).to_wall_ms(bars.time[-_MOST_BARS:])
    by_breaks = find_stamping_by_breaks(wall, bars.timeframe, symbol, zone)
    opening = find_opening(bars, symbol)
    if opening is None or bars.timeframe.minutes < FINEST:
        return by_breaks
    if opening.late != bars.timeframe.minutes:
        return OPEN
    by_opening = Stamping("close", f"Its bars look stamped at their close: {opening.explain()}.")
    return by_breaks if by_breaks.at == "close" else by_opening


def find_stamping_by_breaks(
    wall: Ints, timeframe: Timeframe, symbol: Symbol, zone: str = ""
) -> Stamping:
    """Find it in *wall* times that ascend, of any clock, by the bars beside each break."""
    if timeframe.minutes >= Timeframe.H1.minutes:
        return OPEN
    after = _find_breaks(wall, timeframe)
    firsts, lasts = wall[after] // _MINUTE_MS, wall[after - 1] // _MINUTE_MS
    fits = _fit(firsts, lasts, timeframe, symbol)
    if len(after) < _BREAKS or np.mean(fits) <= _MOST:
        return OPEN
    evidence = (
        f"Its bars look stamped at their close: {np.count_nonzero(fits)} of {len(after)} breaks "
        f"begin after a bar stamped {_show_usual(lasts[fits])} and end with one stamped "
        f"{_show_usual(firsts[fits])}{f' {zone}' if zone else ''}; {_show_hours(symbol)}."
    )
    return Stamping("close", evidence)


def _fit(firsts: Ints, lasts: Ints, timeframe: Timeframe, symbol: Symbol) -> NDArray[np.bool_]:
    # Which breaks begin on the market's minute of the hour and end one bar after it.
    size = timeframe.minutes
    if size < _QUARTER:
        return (firsts % _QUARTER == size) & (lasts % _QUARTER == 0)
    # A quarter hour later is a quarter hour too, so only the hours of the market tell.
    session = symbol.session
    hours = ((0, 0), (session.start.minute, session.end.minute))
    return np.any(
        [(firsts % 60 == (opens + size) % 60) & (lasts % 60 == closes) for opens, closes in hours],
        axis=0,
    )


def _show_hours(symbol: Symbol) -> str:
    session = symbol.session
    if session.start < session.end:
        return f"the session of {symbol.name} is {session.start:%H:%M} to {session.end:%H:%M}"
    return f"feeds of {symbol.name} open and close on the hour"


def _find_breaks(wall: Ints, timeframe: Timeframe) -> Ints:
    # Nights and weekends where there are some, else pauses: the row after each.
    gaps = np.diff(wall)
    longest = np.flatnonzero(gaps >= _NIGHT_MS) + 1
    if len(longest) >= _BREAKS:
        return longest
    return np.flatnonzero(gaps >= max(_PAUSE_MS, 3 * timeframe.milliseconds)) + 1


def _show_usual(minutes: Ints) -> str:
    values, counts = np.unique(minutes % (24 * 60), return_counts=True)
    return show_time_of_day(int(values[np.argmax(counts)]))
