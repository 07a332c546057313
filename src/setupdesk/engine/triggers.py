"""Triggers: the places where each of the seven kinds fires, before anything is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from setupdesk.core.errors import InvalidRuleError
from setupdesk.detectors.fvg import FairValueGaps, find_fair_value_gaps
from setupdesk.detectors.kernel import feed
from setupdesk.detectors.level_break import Span, find_level_breaks
from setupdesk.detectors.stretch import Band, find_stretches
from setupdesk.detectors.structure import BOS, Breaks, find_breaks
from setupdesk.detectors.sweep import RAID, Sign, Watch, find_sweeps
from setupdesk.detectors.swing import find_swings
from setupdesk.engine.compile import Compiled
from setupdesk.engine.prices import to_points, to_ticks, to_ticks_away
from setupdesk.engine.result import Truths
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.setups.definition import Setup
from setupdesk.setups.levels import Fvg, Gap, Swing
from setupdesk.setups.plugins import check_signals
from setupdesk.setups.triggers import (
    BarDirection,
    BreakClose,
    BreakStop,
    FvgRetest,
    GapOpen,
    PluginTrigger,
    Stretch,
    SweepReclaim,
)

_NOISE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Fired:
    """Where a trigger fired; every column has a row for each place."""

    session: Ints
    side: Ints
    """+1 long, -1 short."""

    level: Ints
    """Place in ``names``."""

    started: Ints
    known: Ints
    level_price: Floats
    """Points."""

    names: Sequence[str]
    """What fired, as the rule calls it: ``ib.high``, ``gap``, ..."""

    extreme: Floats | None = None
    """Points; how far price went beyond, where the kind has it."""

    terms: Mapping[str, Floats] = field(default_factory=dict)
    """What formulas may say of each place besides levels, in points."""

    order: Ints | None = None
    """Price of the stop order that waits, in ticks."""

    since: Ints | None = None
    """When it is known, where that is later than the close of ``known``; UTC milliseconds."""

    both_sides: Truths | None = None
    """Where both sides fired at once, so that there is no side to take."""

    def known_ms(self, bars: Bars) -> Ints:
        """Give when each is known, UTC milliseconds."""
        closed = bars.time[self.known] + bars.timeframe.milliseconds
        return closed if self.since is None else np.maximum(closed, self.since)

    def ordered(self) -> "Fired":
        """Give the same in order of ``known``; at one row as the rule lists its levels."""
        order = np.lexsort((self.level, self.known))
        return self.at(order)

    def at(self, rows: Ints | Truths) -> "Fired":
        """Give the same for some *rows*."""
        return Fired(
            self.session[rows],
            self.side[rows],
            self.level[rows],
            self.started[rows],
            self.known[rows],
            self.level_price[rows],
            self.names,
            None if self.extreme is None else self.extreme[rows],
            {name: values[rows] for name, values in self.terms.items()},
            None if self.order is None else self.order[rows],
            None if self.since is None else self.since[rows],
            None if self.both_sides is None else self.both_sides[rows],
        )


def find_fired(setup: Setup, compiled: Compiled, bars: Bars) -> Fired:
    """Find all places where the trigger of *setup* fires, in order of ``known``."""
    fired = _fire(setup, compiled, bars)
    wanted = np.array([1 if side == "long" else -1 for side in setup.sides], np.int64)
    return fired.at(np.isin(fired.side, wanted)).ordered()


def _fire(setup: Setup, compiled: Compiled, bars: Bars) -> Fired:
    trigger = setup.trigger
    match trigger:
        case SweepReclaim():
            return _sweep_reclaim(trigger, compiled, bars)
        case BreakClose():
            return _break_close(trigger, compiled, bars)
        case BreakStop():
            return _break_stop(trigger, compiled, bars)
        case BarDirection():
            return _bar_direction(trigger, compiled, bars)
        case FvgRetest():
            return _fvg_retest(setup, trigger, compiled, bars)
        case Stretch():
            return _stretch(trigger, compiled, bars)
        case GapOpen():
            return _gap_open(setup, trigger, compiled, bars)
        case PluginTrigger():
            return _ask_plugin(setup, trigger, compiled, bars)


def find_sign(level: str) -> Sign:
    """Say how a level is reached: a high from below, a low from above."""
    return 1 if level.endswith(".high") else -1


def _signs(levels: Sequence[str]) -> Ints:
    return np.array([find_sign(level) for level in levels], np.int64)


def _level_ticks(name: str, compiled: Compiled, bars: Bars) -> Ints:
    return to_ticks(np.nan_to_num(compiled.levels[name]), bars.tick)


def _sweep_reclaim(trigger: SweepReclaim, compiled: Compiled, bars: Bars) -> Fired:
    watches = _watch_levels(trigger, compiled, bars)
    patience = trigger.reclaim_within.in_bars(bars.timeframe)
    found = []
    for row, (level, watch) in enumerate(zip(trigger.levels, watches, strict=True)):
        sweeps = find_sweeps(bars, find_sign(level), watch, patience)
        raids = sweeps.kind == RAID
        columns = (sweeps.session, sweeps.started, sweeps.known, sweeps.extreme)
        found.append((*(one[raids] for one in columns), np.full(raids.sum(), row, np.int64)))
    session, started, known, extreme, place = _join(found)
    signs = _signs(trigger.levels)
    beyond = to_points(extreme, bars.tick)
    return Fired(
        session,
        -signs[place],
        place,
        started,
        known,
        _pick(trigger.levels, compiled, place, session),
        trigger.levels,
        beyond,
        {"sweep.extreme": beyond},
        both_sides=_swept_both_sides(bars, signs, watches, (started, known, place)),
    )


def _watch_levels(trigger: SweepReclaim, compiled: Compiled, bars: Bars) -> list[Watch]:
    first, stop = compiled.watched
    deepest = _per_session(trigger.min_penetration(compiled.levels), compiled) / bars.tick

    # Ticks are whole: to go beyond 2.4 of them is to go beyond 2.
    penetration = np.floor(np.nan_to_num(deepest) + _NOISE).astype(np.int64)
    return [
        Watch(first, stop, _level_ticks(level, compiled, bars), penetration)
        for level in trigger.levels
    ]


def _swept_both_sides(
    bars: Bars, signs: Ints, watches: Sequence[Watch], raids: tuple[Ints, Ints, Ints]
) -> Truths:
    # No side can be taken where a bar from the break to the reclaim lies beyond both, or where
    # both are reclaimed at once.
    started, known, place = raids
    beyond = np.zeros((2, len(bars)), bool)
    for sign, watch in zip(signs, watches, strict=True):
        beyond[0 if sign > 0 else 1] |= _lies_beyond(bars, sign, watch)
    doubles = np.append(0, np.cumsum(beyond.all(axis=0)))
    swept_up, swept_down = (np.isin(known, known[signs[place] == sign]) for sign in (1, -1))
    return (doubles[known + 1] > doubles[started]) | (swept_up & swept_down)


def _lies_beyond(bars: Bars, sign: int, watch: Watch) -> Truths:
    beyond = np.zeros(len(bars), bool)
    for first, stop, level, deepest in zip(*watch, strict=True):
        reach = (bars.high if sign > 0 else bars.low)[first:stop]
        beyond[first:stop] = sign * (reach - level) > deepest
    return beyond


def _break_close(trigger: BreakClose, compiled: Compiled, bars: Bars) -> Fired:
    first, stop = compiled.watched
    found = []
    for row, level in enumerate(trigger.levels):
        span = Span(first, stop, _level_ticks(level, compiled, bars))
        breaks = find_level_breaks(bars, find_sign(level), span, trigger.confirm_bars)
        columns = (breaks.session, breaks.started, breaks.known)
        found.append((*columns, np.full(len(breaks.known), row, np.int64)))
    session, started, known, place = _join(found)
    price = _pick(trigger.levels, compiled, place, session)
    side = _signs(trigger.levels)[place]
    return Fired(session, side, place, started, known, price, trigger.levels)


def _break_stop(trigger: BreakStop, compiled: Compiled, bars: Bars) -> Fired:
    # The orders are placed when the levels are known and the window is about to begin.
    before = np.searchsorted(bars.time, compiled.window[0]) - 1
    placed = np.maximum(compiled.known, before)
    since = np.maximum(compiled.known_ms, compiled.window[0])
    session = _traded(compiled)
    live = session[(placed[session] >= 0) & (since[session] <= bars.end_ms)]
    signs = _signs(trigger.levels)
    session = np.repeat(live, len(signs))
    place = np.tile(np.arange(len(signs)), len(live))
    side, known = signs[place], placed[session]
    price = _pick(trigger.levels, compiled, place, session)
    offset = _per_session(trigger.offset(compiled.levels), compiled)[session]
    order = to_ticks_away(price + side * offset, bars.tick, side)
    since = since[session]
    names = trigger.levels
    return Fired(session, side, place, known, known, price, names, order=order, since=since)


def _bar_direction(trigger: BarDirection, compiled: Compiled, bars: Bars) -> Fired:
    starts, ends = compiled.spans[trigger.of]
    session = _traded(compiled)
    first = np.searchsorted(bars.time, starts[session])
    last = np.searchsorted(bars.time, ends[session]) - 1
    side = np.sign(bars.close[last] - bars.open[first])
    price = np.where(
        side > 0,
        compiled.levels[f"{trigger.of}.high"][session],
        compiled.levels[f"{trigger.of}.low"][session],
    )
    known, level = compiled.known[session], np.zeros(len(session), np.int64)
    return Fired(session, side, level, first, known, price, (trigger.of,)).at(side != 0)


def _gap_open(setup: Setup, trigger: GapOpen, compiled: Compiled, bars: Bars) -> Fired:
    (name,) = (name for name, level in setup.levels.items() if isinstance(level, Gap))
    session = _traded(compiled)
    first = compiled.known[session] + 1
    there = first < compiled.stop[session]
    session, first = session[there], first[there]
    direction = compiled.levels[f"{name}.direction"][session].astype(np.int64)
    side = direction if trigger.direction == "follow" else -direction
    opened = to_points(bars.open[first], bars.tick)
    level = np.zeros(len(session), np.int64)
    return Fired(session, side, level, first, first, opened, (name,)).at(side != 0)


def _stretch(trigger: Stretch, compiled: Compiled, bars: Bars) -> Fired:
    # Sessions may differ in what they know, so each bar is told what its session knows.
    first, stop = compiled.watched
    environment = dict(compiled.bar_levels) | _spread_out(trigger, compiled, len(bars))
    line, distance = (
        np.ascontiguousarray(np.broadcast_to(one(environment), len(bars)) / bars.tick, np.float64)
        for one in (trigger.line, trigger.distance)
    )
    patience = trigger.reclaim_within.in_bars(bars.timeframe)
    # Where price stands still the line is that price but for the last digit.
    found = find_stretches(bars, first, stop, Band(line, distance + _NOISE), patience)
    return Fired(
        found.session,
        -found.sign,
        np.zeros(len(found.known), np.int64),
        found.started,
        found.known,
        to_points(line[found.known], bars.tick),
        (trigger.line.text,),
        to_points(found.extreme, bars.tick),
    )


def _spread_out(trigger: Stretch, compiled: Compiled, rows: int) -> dict[str, Floats]:
    first, stop = compiled.watched
    names = (trigger.line.names | trigger.distance.names) & set(compiled.levels)
    columns = {name: np.full(rows, np.nan) for name in names}
    for name, column in columns.items():
        for session in np.flatnonzero(first < stop):
            column[first[session] : stop[session]] = compiled.levels[name][session]
    return columns


def _fvg_retest(setup: Setup, trigger: FvgRetest, compiled: Compiled, bars: Bars) -> Fired:
    level = setup.levels[trigger.gaps]
    (swing,) = (one for one in setup.levels.values() if isinstance(one, Swing))
    assert isinstance(level, Fvg)  # noqa: S101 - the definition has checked it
    gaps = find_fair_value_gaps(bars)
    swings = find_swings(bars, swing.left, swing.right)
    if trigger.after == "sweep":
        within = trigger.within.in_bars(bars.timeframe)
        place, event, known = _gaps_after_sweep(gaps, find_breaks(bars, swings, "wick"), within)
    else:
        place, event, known = _gaps_of_leg(bars, gaps, find_breaks(bars, swings))
    session = _find_session(compiled, known)
    kept = np.flatnonzero(session >= 0)
    place, event, known, session = place[kept], event[kept], known[kept], session[kept]
    of = {name: values[session] for name, values in compiled.levels.items()}
    at_birth = {name: values[gaps.known[place]] for name, values in compiled.bar_levels.items()}
    large = to_points(gaps.size[place], bars.tick) >= level.min_size(of | at_birth) - _NOISE
    near, far, origin = (
        to_points(one[place], bars.tick) for one in (gaps.near, gaps.far, gaps.origin)
    )
    name = trigger.gaps
    terms = {
        f"{name}.near": near,
        f"{name}.far": far,
        f"{name}.mid": (near + far) / 2,
        f"{name}.origin": origin,
    }
    level_column = np.zeros(len(place), np.int64)
    return Fired(
        session, gaps.sign[place], level_column, event, known, near, (name,), None, terms
    ).at(large)


def _ask_plugin(setup: Setup, trigger: PluginTrigger, compiled: Compiled, bars: Bars) -> Fired:
    first, stop = compiled.watched
    levels = {name: feed(values) for name, values in compiled.levels.items()}
    found = trigger.plugin.find_signals(bars, feed(first), feed(stop), levels, trigger.params)
    if wrong := check_signals(found, bars, first, stop):
        raise InvalidRuleError(setup.id, [f"the plug-in {trigger.kind}: {wrong}"])
    level = np.zeros(len(found.known), np.int64)
    names, price = (trigger.kind,), found.level_price
    return Fired(found.session, found.side, level, found.known, found.known, price, names)


def _gaps_after_sweep(gaps: FairValueGaps, sweeps: Breaks, within: int) -> tuple[Ints, Ints, Ints]:
    # The newest sweep up to the middle bar; where a bar swept both sides, none counts.
    last = np.searchsorted(sweeps.known, gaps.row, side="right") - 1
    none = last < 0
    known = np.append(sweeps.known, -1)
    sign = np.append(sweeps.sign, 0)
    before = np.append(-1, known)[last]
    both = ~none & (before == known[last])
    fits = ~none & ~both & (sign[last] == -gaps.sign) & (gaps.known - known[last] <= within)
    place = np.flatnonzero(fits)
    return place, known[last[place]], gaps.known[place]


def _gaps_of_leg(bars: Bars, gaps: FairValueGaps, breaks: Breaks) -> tuple[Ints, Ints, Ints]:
    # For each break of structure the newest gap of its leg that is known with it. Only where there
    # is none, the one of the breaking bar itself, which is known a bar later.
    place, event = [], []
    for row in np.flatnonzero(breaks.kind == BOS):
        known, sign, swing = breaks.known[row], breaks.sign[row], breaks.swing_row[row]
        edge = bars.low if sign > 0 else -bars.high
        origin = swing + int(np.argmin(edge[swing : known + 1]))
        inside = (gaps.row > origin) & (gaps.row <= known) & (gaps.sign == sign)
        of_leg = np.flatnonzero(inside)
        if len(of_leg):
            in_time = of_leg[gaps.known[of_leg] <= known]
            place.append((in_time if len(in_time) else of_leg)[-1])
            event.append(known)
    places, events = np.array(place, np.int64), np.array(event, np.int64)
    return places, events, np.maximum(events, gaps.known[places])


def _find_session(compiled: Compiled, rows: Ints) -> Ints:
    # -1 where no session watches the row.
    first, stop = compiled.watched
    found = np.full(len(rows), -1, np.int64)
    for session in np.flatnonzero(first < stop):
        inside = slice(*np.searchsorted(rows, [first[session], stop[session]]))
        found[inside] = session
    return found


def _traded(compiled: Compiled) -> Ints:
    return np.flatnonzero([reason is None for reason in compiled.skipped])


def _per_session(values: Floats, compiled: Compiled) -> Floats:
    return np.broadcast_to(np.asarray(values, np.float64), len(compiled.sessions))


def _pick(levels: Sequence[str], compiled: Compiled, place: Ints, session: Ints) -> Floats:
    return np.stack([compiled.levels[level] for level in levels])[place, session]


def _join(parts: Sequence[tuple[Ints, ...]]) -> list[Ints]:
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]
