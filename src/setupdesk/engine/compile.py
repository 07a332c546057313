"""Compile: a setup and a stretch of bars become the levels and the hours of each session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setupdesk.core.errors import InvalidRuleError
from setupdesk.core.symbol import Symbol, Window
from setupdesk.core.timeframe import Timeframe
from setupdesk.detectors.atr import find_atr
from setupdesk.detectors.session_range import find_ranges
from setupdesk.engine.prices import to_points
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.market.resample import day_ends_ms, resample
from setupdesk.market.sessions import (
    Session,
    column,
    find_instants,
    find_offsets_ms,
    find_rows,
    fits,
)
from setupdesk.setups.definition import Atr, SessionRange, Setup
from setupdesk.setups.moments import Moment

Truths = NDArray[np.bool_]

NO_BARS = "no_bars"
TOO_EARLY = "too_early"
"""The bars end before the levels are known: a session that has just begun."""

DATA_GAP = "data_gap"
NO_ATR = "no_atr"


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """What is known of each session before anything triggers; every column has a row for each."""

    sessions: Sequence[Session]
    opens_ms: Ints
    first: Ints
    """First row of the session."""

    stop: Ints
    known: Ints
    """Row at whose close the last level is known."""

    skipped: tuple[str | None, ...]
    levels: Mapping[str, Floats]
    """Points, by the names that formulas use."""

    window: tuple[Ints, Ints]
    """When the close of the triggering bar must lie, UTC milliseconds, ``[from, to)``."""

    last: Ints
    """Last row in which a trade may be held."""

    offsets: Ints
    """What to add to UTC for the market's wall clock, milliseconds."""

    @property
    def watched(self) -> tuple[Ints, Ints]:
        """Give the rows ``[first, stop)`` that may trigger, none where a session is skipped."""
        skipped = np.array([reason is not None for reason in self.skipped], bool)
        return np.maximum(self.first, self.known + 1), np.where(skipped, self.first, self.stop)

    def environment(self, tick: float) -> dict[str, Floats]:
        """Give what the formulas of a session may use."""
        weekdays = np.array([one.day.isoweekday() for one in self.sessions], np.float64)
        return {"tick": np.full(len(weekdays), tick), "weekday": weekdays, **self.levels}


def compile_setup(
    setup: Setup, symbol: Symbol, bars: Bars, sessions: Sequence[Session]
) -> Compiled:
    """Measure the levels of all *sessions*.

    Raises ``InvalidRuleError`` if the symbol has no such window or its edges cut bars in two.
    """
    first, stop = find_rows(bars.time, sessions)
    opens = column([one.opens_ms for one in sessions])
    closes = column([one.closes_ms for one in sessions])
    measured = _Measured({}, {"session": (opens, closes)}, first - 1, {})
    for name, level in setup.levels.items():
        match level:
            case SessionRange():
                window = _find_window(setup, symbol, level, bars.timeframe)
                measured.add_range(name, window, bars, sessions)
            case Atr():
                measured.add_atr(name, level, bars, symbol)
    return Compiled(
        sessions,
        opens,
        first,
        stop,
        measured.known,
        measured.find_skipped(len(bars), first < stop),
        measured.levels,
        (
            measured.instants(setup.window.start, bars.timeframe),
            measured.instants(setup.window.end, bars.timeframe),
        ),
        _last_rows(bars, measured.instants(setup.exit.flat, bars.timeframe)),
        find_offsets_ms(sessions, symbol.zone),
    )


@dataclass(slots=True, eq=False)
class _Measured:
    levels: dict[str, Floats]
    spans: dict[str, tuple[Ints, Ints]]
    known: Ints
    reasons: dict[str, Truths]

    def add_range(self, name: str, window: Window, bars: Bars, sessions: Sequence[Session]) -> None:
        starts, ends = self.spans[name] = find_instants(window, sessions)
        found = find_ranges(bars, starts, ends)
        high, low = (
            np.where(found.count > 0, to_points(edge, bars.tick), np.nan)
            for edge in (found.high, found.low)
        )
        self.levels |= {
            f"{name}.high": high,
            f"{name}.low": low,
            f"{name}.mid": (high + low) / 2,
            f"{name}.range": to_points(found.high - found.low, bars.tick),
        }
        self.known = np.maximum(self.known, found.known)
        self._note(DATA_GAP, has_gap(found.count, ends - starts, bars.timeframe))

    def add_atr(self, name: str, level: Atr, bars: Bars, symbol: Symbol) -> None:
        daily = resample(bars, Timeframe(level.timeframe), symbol.week, symbol.roll)
        # Complete at the roll, so what today has brought is never in it.
        ends = day_ends_ms(daily, symbol.roll)
        complete = np.searchsorted(ends, self.spans["session"][0], side="right")
        values = np.append(np.nan, to_points(find_atr(daily, level.length), daily.tick))
        self.levels[name] = values[complete]
        self._note(NO_ATR, np.isnan(values[complete]))

    def _note(self, reason: str, where: Truths) -> None:
        self.reasons[reason] = where | self.reasons.get(reason, False)

    def instants(self, moment: Moment, timeframe: Timeframe) -> Ints:
        starts, ends = self.spans[moment.of]
        return (starts if moment.edge == "start" else ends) + moment.shift_ms(timeframe)

    def find_skipped(self, rows: int, traded: Truths) -> tuple[str | None, ...]:
        reasons = {NO_BARS: ~traded, TOO_EARLY: self.known >= rows, **self.reasons}
        found = np.select(list(reasons.values()), list(range(len(reasons))), len(reasons))
        words = (*reasons, None)
        return tuple(words[place] for place in found)


def has_gap(count: Ints, span_ms: Ints, timeframe: Timeframe) -> Truths:
    """Say where fewer than 80 % of the bars of a span are there."""
    return count * 5 < span_ms // timeframe.milliseconds * 4


def _find_window(setup: Setup, symbol: Symbol, level: SessionRange, timeframe: Timeframe) -> Window:
    window = symbol.windows.get(level.window)
    if window is None:
        raise InvalidRuleError(setup.id, [f"{symbol.name} has no window {level.window!r}"])
    if not fits(window, timeframe):
        hours = f"{window.start:%H:%M}-{window.end:%H:%M}"
        raise InvalidRuleError(
            setup.id, [f"{level.window} {hours} cannot be measured with {timeframe} bars"]
        )
    return window


def _last_rows(bars: Bars, flat_ms: Ints) -> Ints:
    ends = flat_ms - bars.timeframe.milliseconds
    return np.searchsorted(bars.time, ends, side="right") - 1
