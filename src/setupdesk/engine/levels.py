"""Levels: what each level of a setup is worth, in each session or at each bar, and since when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from setupdesk.core.errors import InvalidRuleError
from setupdesk.core.symbol import Symbol, Window
from setupdesk.core.timeframe import Timeframe
from setupdesk.detectors.atr import find_atr
from setupdesk.detectors.day_pattern import find_day_patterns
from setupdesk.detectors.gap import find_session_gaps
from setupdesk.detectors.previous_day import find_previous_days, find_previous_weeks
from setupdesk.detectors.session_range import find_ranges
from setupdesk.detectors.swing import Swings, find_swings
from setupdesk.detectors.vwap import find_vwap
from setupdesk.engine.prices import to_points
from setupdesk.engine.result import Truths
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.market.resample import day_ends_ms, resample
from setupdesk.market.sessions import Session, column, find_rows, find_spans, fits
from setupdesk.setups.definition import Definition
from setupdesk.setups.levels import Atr, DayPattern, Gap, Level, Previous, SessionRange, Swing, Vwap

DATA_GAP = "data_gap"
NO_ATR = "no_atr"
NO_HISTORY = "no_history"
NO_VOLUME = "no_volume"

NEVER = 2**62
"""UTC milliseconds."""

PATTERN_DAYS = 7
"""A day is judged when it has six before it."""


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """What levels are measured on: bars, and the sessions of a run with some before them."""

    symbol: Symbol
    bars: Bars
    sessions: Sequence[Session]
    earlier: Sequence[Session]
    """Sessions before the run's, oldest first, on which levels may look back."""

    first: Ints
    """First row of each session."""

    stop: Ints
    as_of: Ints
    """The instant at which each session can begin to matter, UTC milliseconds."""

    @property
    def opens(self) -> Ints:
        """When each session opens, UTC milliseconds."""
        return column([one.opens_ms for one in self.sessions])

    @property
    def eve(self) -> Ints:
        """The row before each session, once the bars have come to its open; else their number."""
        return np.where(self.opens <= self.bars.end_ms, self.first - 1, len(self.bars))

    @property
    def first_close(self) -> Ints:
        """When the first bar of each session closes, UTC milliseconds; ``NEVER`` without one."""
        times = np.append(self.bars.time, 0)[self.first] + self.bars.timeframe.milliseconds
        return np.where(self.first < self.stop, times, NEVER)

    @property
    def with_earlier(self) -> list[Session]:
        """All sessions that levels may look at, oldest first."""
        return [*self.earlier, *self.sessions]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What is known of one level."""

    per_session: Mapping[str, Floats] = field(default_factory=dict)
    """Points, a value for each session; NaN where unknown."""

    per_bar: Mapping[str, Floats] = field(default_factory=dict)
    """Points, known at the close of each bar."""

    known: Ints | None = None
    """Row at whose close the level is final, for each session; the number of bars if not yet."""

    since: Ints | None = None
    """When it is known, where that is later than the close of ``known``; UTC milliseconds."""

    span: tuple[Ints, Ints] | None = None
    """When its window starts and ends, UTC milliseconds."""

    reasons: Mapping[str, Truths] = field(default_factory=dict)
    """Why a session cannot be traded, and where that is so."""


def measure(name: str, level: Level, setup: Definition, chart: Chart) -> Measured:
    """Measure one level; fair value gaps give nothing here, for they are events.

    Raises ``InvalidRuleError`` if the symbol has no such window or its edges cut bars in two.
    """
    match level:
        case SessionRange():
            window = _find_window(setup, chart.symbol, level, chart.bars.timeframe)
            return _measure_range(name, window, chart)
        case Atr(timeframe=Timeframe.D1):
            return _measure_daily_atr(name, level, chart)
        case Atr():
            return _measure_atr(name, level, chart)
        case Previous():
            return _measure_previous(name, level, chart)
        case Vwap():
            return _measure_vwap(name, chart)
        case Swing():
            return _measure_swing(name, find_swings(chart.bars, level.left, level.right), chart)
        case Gap():
            return _measure_gap(name, chart)
        case DayPattern():
            return _measure_pattern(name, level, chart)
        case _:
            return Measured()


def has_gap(count: Ints, span_ms: Ints, timeframe: Timeframe) -> Truths:
    """Say where fewer than 80 % of the bars of a span are there."""
    return count * 5 < span_ms // timeframe.milliseconds * 4


def _measure_range(name: str, window: Window, chart: Chart) -> Measured:
    bars = chart.bars
    starts, ends = find_spans(window, chart.sessions)
    found = find_ranges(bars, starts, ends)
    empty = found.count == 0
    high, low = (
        np.where(empty, np.nan, to_points(edge, bars.tick)) for edge in (found.high, found.low)
    )
    return Measured(
        {
            f"{name}.high": high,
            f"{name}.low": low,
            f"{name}.mid": (high + low) / 2,
            f"{name}.range": to_points(found.high - found.low, bars.tick),
        },
        known=found.known,
        span=(starts, ends),
        reasons={DATA_GAP: has_gap(found.count, ends - starts, bars.timeframe)},
    )


def _measure_daily_atr(name: str, level: Atr, chart: Chart) -> Measured:
    daily = _resample(chart, Timeframe.D1)
    # Complete at the roll, so what today has brought is never in it.
    ends = day_ends_ms(daily, chart.symbol.roll)
    complete = np.searchsorted(ends, chart.as_of, side="right")
    values = np.append(np.nan, to_points(find_atr(daily, level.length), daily.tick))[complete]
    return Measured(
        {name: values},
        known=_known_at(np.append(0, ends)[complete], chart.bars),
        reasons={NO_ATR: np.isnan(values)},
    )


def _measure_atr(name: str, level: Atr, chart: Chart) -> Measured:
    bars = chart.bars
    coarse = max(level.timeframe, bars.timeframe, key=lambda one: one.minutes)
    merged = _resample(chart, coarse).closed()
    step = bars.timeframe.milliseconds
    complete = np.searchsorted(merged.time + coarse.milliseconds, bars.time + step, side="right")
    values = np.append(np.nan, to_points(find_atr(merged, level.length), bars.tick))
    return Measured(per_bar={name: values[complete]})


def _measure_previous(name: str, level: Previous, chart: Chart) -> Measured:
    sessions = chart.with_earlier
    is_rth = level.hours == "rth"
    rows = find_rows(chart.bars.time, sessions) if is_rth else _find_whole_days(chart)
    if level.kind == "previous_day":
        found = find_previous_days(chart.bars, *rows)
        reasons = {DATA_GAP: _has_gap_before(found.of, rows, chart)} if is_rth else {}
    else:
        found = find_previous_weeks(chart.bars, *rows, [one.day for one in sessions])
        reasons = {}
    own = slice(len(chart.earlier), None)
    unknown = found.of[own] < 0
    columns = {
        word: np.where(unknown, np.nan, to_points(getattr(found, word)[own], chart.bars.tick))
        for word in ("open", "high", "low", "close")
    }
    columns["mid"] = (columns["high"] + columns["low"]) / 2
    columns["range"] = columns["high"] - columns["low"]
    return Measured(
        {f"{name}.{word}": values for word, values in columns.items()},
        known=chart.eve,
        since=chart.opens,
        reasons={NO_HISTORY: unknown} | reasons,
    )


def _measure_vwap(name: str, chart: Chart) -> Measured:
    bars = chart.bars
    found = find_vwap(bars, chart.first, chart.stop)
    # After a bar of unknown volume there is no value, so the first bar decides.
    silent = (chart.first < chart.stop) & np.isnan(np.append(bars.volume, 0)[chart.first])
    mid, deviation = (to_points(values, bars.tick) for values in (found.mid, found.sd))
    return Measured(
        per_bar={f"{name}.mid": mid, f"{name}.sd": deviation},
        since=chart.first_close,
        reasons={NO_VOLUME: silent},
    )


def _measure_swing(name: str, swings: Swings, chart: Chart) -> Measured:
    return Measured(
        per_bar={
            f"{name}.{word}": _hold_last(swings, sign, chart.bars)
            for word, sign in (("high", 1), ("low", -1))
        }
    )


def _measure_gap(name: str, chart: Chart) -> Measured:
    rows = find_rows(chart.bars.time, chart.with_earlier)
    own = slice(len(chart.earlier), None)
    found = find_session_gaps(chart.bars, *rows)
    unknown = found.known[own] >= len(chart.bars)
    size = np.where(unknown, np.nan, to_points(found.size[own], chart.bars.tick))
    before = find_previous_days(chart.bars, *rows).of
    return Measured(
        {f"{name}.size": np.abs(size), f"{name}.direction": np.sign(size)},
        known=chart.eve,
        since=chart.first_close,
        reasons={NO_HISTORY: unknown, DATA_GAP: _has_gap_before(before, rows, chart)},
    )


def _measure_pattern(name: str, level: DayPattern, chart: Chart) -> Measured:
    sessions = chart.with_earlier
    first, stop = find_rows(chart.bars.time, sessions)
    traded = np.flatnonzero(first < stop)
    opens = column([sessions[row].opens_ms for row in traded])
    closes = column([sessions[row].closes_ms for row in traded])
    days = find_ranges(chart.bars, opens, closes)
    found = find_day_patterns(days.high, days.low)
    # The last day before each session that has bars.
    before = np.searchsorted(traded, np.arange(len(chart.earlier), len(sessions))) - 1
    unknown = before < PATTERN_DAYS - 1
    nr7, inside = (
        np.where(unknown, np.nan, np.append(one, False)[before])
        for one in (found.nr7, found.inside)
    )
    asked = {"nr7": nr7, "inside": inside}
    columns = asked | {"any": np.maximum.reduce([asked[one] for one in level.patterns])}
    return Measured(
        {f"{name}.{word}": values for word, values in columns.items()},
        known=chart.eve,
        since=chart.opens,
        reasons={NO_HISTORY: unknown},
    )


def _has_gap_before(before: Ints, rows: tuple[Ints, Ints], chart: Chart) -> Truths:
    # The day that is looked back on, held to the same share of bars as any session.
    sessions, (first, stop) = chart.with_earlier, rows
    spans = column([one.closes_ms - one.opens_ms for one in sessions])
    gap = has_gap(stop - first, spans, chart.bars.timeframe)
    return ((before >= 0) & gap[before])[len(chart.earlier) :]


def _find_whole_days(chart: Chart) -> tuple[Ints, Ints]:
    # A session's trading day is the one in which it opens; its bars begin at the roll.
    ends = day_ends_ms(_resample(chart, Timeframe.D1), chart.symbol.roll)
    opens = column([one.opens_ms for one in chart.with_earlier])
    day = np.searchsorted(ends, opens, side="right")
    edges = np.concatenate(([0], np.searchsorted(chart.bars.time, ends), [len(chart.bars)]))
    return edges[day], edges[day + 1]


def _resample(chart: Chart, timeframe: Timeframe) -> Bars:
    return resample(chart.bars, timeframe, chart.symbol.week, chart.symbol.roll)


def _hold_last(swings: Swings, sign: int, bars: Bars) -> Floats:
    known, price = swings.known[swings.sign == sign], swings.price[swings.sign == sign]
    place = np.searchsorted(known, np.arange(len(bars)), side="right")
    return np.append(np.nan, to_points(price, bars.tick))[place]


def _known_at(instants_ms: Ints, bars: Bars) -> Ints:
    # The last bar that has closed by then.
    ends = instants_ms - bars.timeframe.milliseconds
    return np.searchsorted(bars.time, ends, side="right") - 1


def _find_window(
    setup: Definition, symbol: Symbol, level: SessionRange, timeframe: Timeframe
) -> Window:
    asked = level.window
    window = symbol.windows.get(asked.name) if asked.name else asked.in_zone(symbol.zone)
    if window is None:
        raise InvalidRuleError(setup.id, [f"{symbol.name} has no window {asked.name!r}"])
    if not fits(window, timeframe):
        hours = f"{window.start:%H:%M}-{window.end:%H:%M}"
        raise InvalidRuleError(
            setup.id, [f"{asked} {hours} cannot be measured with {timeframe} bars"]
        )
    return window
