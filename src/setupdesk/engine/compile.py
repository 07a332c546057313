"""Compile: a setup and a stretch of bars become the levels and the hours of each session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from setupdesk.core.symbol import Symbol, Window
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.levels import DATA_GAP, Chart, Measured, measure
from setupdesk.engine.prices import to_points
from setupdesk.engine.result import Truths
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.market.days import find_offsets_ms
from setupdesk.market.sessions import Session, column, find_instants, find_rows
from setupdesk.setups.definition import SESSION_OPEN, Setup
from setupdesk.setups.levels import Gap
from setupdesk.setups.moments import Moment
from setupdesk.setups.triggers import BreakStop

NO_BARS = "no_bars"
TOO_EARLY = "too_early"
"""The bars end before the levels are known: a session that has just begun."""


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """What is known before anything triggers; every column has a row for each session."""

    sessions: Sequence[Session]
    opens_ms: Ints
    """From when its bars are counted: the open, or the start of the setup's window before it."""

    first: Ints
    """First row from then."""

    stop: Ints
    """First row after both its close and the setup's window."""

    known: Ints
    """Row at whose close the last level is known."""

    known_ms: Ints
    """When it is known, UTC milliseconds: not before the session can begin to matter."""

    skipped: tuple[str | None, ...]
    levels: Mapping[str, Floats]
    """Points, by the names that formulas use."""

    bar_levels: Mapping[str, Floats]
    """The same with a value for each bar."""

    spans: Mapping[str, tuple[Ints, Ints]]
    """When each level's window starts and ends, UTC milliseconds."""

    window: tuple[Ints, Ints]
    """When the close of the triggering bar must lie, UTC milliseconds, ``[from, to)``."""

    flat: Ints
    """When what is open is closed, UTC milliseconds."""

    last: Ints
    """Last row in which a trade may be held."""

    offsets: Ints
    """What to add to UTC for the market's wall clock, milliseconds."""

    @property
    def watched(self) -> tuple[Ints, Ints]:
        """Give the rows ``[first, stop)`` that may trigger, none where a session is skipped."""
        skipped = np.array([reason is not None for reason in self.skipped], bool)
        return self.known + 1, np.where(skipped, self.known + 1, self.stop)


def compile_setup(
    setup: Setup,
    symbol: Symbol,
    bars: Bars,
    sessions: Sequence[Session],
    earlier: Sequence[Session] = (),
) -> Compiled:
    """Measure the levels of all *sessions*; *earlier* ones are looked back on.

    Raises ``InvalidRuleError`` if the symbol has no such window or its edges cut bars in two.
    """
    first, stop = find_rows(bars.time, sessions)
    opens = column([one.opens_ms for one in sessions])
    closes = column([one.closes_ms for one in sessions])
    clock = _Clock(symbol, sessions, bars.timeframe, {"session": (opens, closes)})
    # What hangs on a level comes after it; anything else may begin before the session.
    outset = setup.window.start
    begins = opens if outset.of in setup.levels else np.minimum(opens, clock.instants(outset))
    chart = Chart(symbol, bars, sessions, earlier, first, stop, begins)
    found = {name: measure(name, level, setup, chart) for name, level in setup.levels.items()}
    clock.spans.update({name: one.span for name, one in found.items() if one.span})
    window = clock.instants(setup.window.start), clock.instants(setup.window.end)
    flat = clock.instants(setup.exit.flat)
    counted = np.searchsorted(bars.time, begins)
    over = np.searchsorted(bars.time, np.maximum(closes, window[1]))
    known = _find_known(setup, found, counted, first)
    known_ms = _find_known_ms(setup, found, chart, known)
    has_bars = (first < stop) | (known + 1 < over) | _is_on_time(bars, known, known_ms, over)
    return Compiled(
        sessions,
        begins,
        counted,
        over,
        known,
        known_ms,
        _find_skipped(
            found,
            {NO_BARS: ~has_bars, TOO_EARLY: known >= len(bars), DATA_GAP: _find_holed(sessions)},
        ),
        _build_environment(setup, chart, found),
        {name: values for one in found.values() for name, values in one.per_bar.items()},
        clock.spans,
        window,
        flat,
        _last_rows(bars, flat),
        find_offsets_ms(opens, symbol.zone),
    )


@dataclass(slots=True, eq=False)
class _Clock:
    """Turns the moments of a rule into instants."""

    symbol: Symbol
    sessions: Sequence[Session]
    timeframe: Timeframe
    spans: dict[str, tuple[Ints, Ints]]

    def instants(self, moment: Moment) -> Ints:
        starts, ends = self._find_span(moment)
        return (starts if moment.edge == "start" else ends) + moment.shift_ms(self.timeframe)

    def _find_span(self, moment: Moment) -> tuple[Ints, Ints]:
        if moment.of in self.spans:
            return self.spans[moment.of]
        window = self.symbol.windows.get(moment.of)
        if moment.at is not None:
            zone = moment.zone or self.symbol.zone
            window = Window(start=moment.at, end=moment.at, zone=zone)
        assert window is not None  # noqa: S101 - START and the definition have checked the name
        return find_instants(window, self.sessions)


def _find_known(setup: Setup, found: Mapping[str, Measured], counted: Ints, first: Ints) -> Ints:
    rows = [one.known for one in found.values() if one.known is not None]
    known = np.maximum.reduce(rows) if rows else counted - 1
    if not _knows_the_open(setup):
        return known
    # Nothing may trigger before the session's first bar, nor an order wait for it.
    return np.maximum(known, first if isinstance(setup.trigger, BreakStop) else first - 1)


def _knows_the_open(setup: Setup) -> bool:
    return setup.uses(SESSION_OPEN) or any(isinstance(one, Gap) for one in setup.levels.values())


def _find_known_ms(setup: Setup, found: Mapping[str, Measured], chart: Chart, known: Ints) -> Ints:
    since = [one.since for one in found.values() if one.since is not None]
    if setup.uses(SESSION_OPEN):
        since.append(chart.first_close)
    return np.maximum.reduce([_closes(chart.bars, known), chart.as_of, *since])


def _is_on_time(bars: Bars, known: Ints, known_ms: Ints, over: Ints) -> Truths:
    # The bars end, or have a hole, where the session begins: that it begins is known all the same.
    return (known >= 0) & (known < over) & (_closes(bars, known) >= known_ms)


def _closes(bars: Bars, rows: Ints) -> Ints:
    # Before the first bar nothing closes, and rows that are not there yet close at the end.
    times = np.concatenate((bars.time, [bars.end_ms, 0])) + bars.timeframe.milliseconds
    return times[np.clip(rows, -1, len(bars))]


def _find_holed(sessions: Sequence[Session]) -> Truths:
    return np.array([not one.whole for one in sessions], bool)


def _find_skipped(
    found: Mapping[str, Measured], reasons: dict[str, Truths]
) -> tuple[str | None, ...]:
    for one in found.values():
        for reason, where in one.reasons.items():
            reasons[reason] = where | reasons.get(reason, False)
    place = np.select(list(reasons.values()), list(range(len(reasons))), len(reasons))
    words = (*reasons, None)
    return tuple(words[one] for one in place)


def _build_environment(
    setup: Setup, chart: Chart, found: Mapping[str, Measured]
) -> dict[str, Floats]:
    bars, first = chart.bars, chart.first
    levels = {name: values for one in found.values() for name, values in one.per_session.items()}
    levels["tick"] = np.full(len(first), bars.tick)
    levels["weekday"] = np.array([one.day.isoweekday() for one in chart.sessions], np.float64)
    if setup.uses(SESSION_OPEN):
        opened = np.append(bars.open, 0)[np.minimum(first, len(bars))]
        levels[SESSION_OPEN] = np.where(first < chart.stop, to_points(opened, bars.tick), np.nan)
    return levels


def _last_rows(bars: Bars, flat_ms: Ints) -> Ints:
    ends = flat_ms - bars.timeframe.milliseconds
    return np.searchsorted(bars.time, ends, side="right") - 1
