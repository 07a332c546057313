"""Signals: where the trigger of a setup fired, and which of these places are refused at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from setupdesk.detectors.sweep import RAID, Sign, Sweeps, Watch, find_sweeps
from setupdesk.engine import fills
from setupdesk.engine.compile import Compiled, Truths, has_gap
from setupdesk.engine.prices import to_points, to_ticks
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.setups.definition import SessionRange, Setup, SweepReclaim
from setupdesk.setups.expressions import Environment

_NOISE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """Places where the setup triggered, in order of ``known``; every column has a row for each."""

    session: Ints
    side: Ints
    """+1 long, -1 short."""

    level: Ints
    """Place of the level in the trigger's list."""

    started: Ints
    known: Ints
    extreme: Ints
    """Ticks."""

    environment: Mapping[str, Floats]
    """What formulas may use, in points."""

    refused: Ints
    """Code of the first reason that stands before any limit, or ``TRADED``."""

    failed: Ints
    """Place of the first filter that the session fails; the number of filters if none."""


class _Raids(NamedTuple):
    session: Ints
    level: Ints
    started: Ints
    known: Ints
    extreme: Ints


def find_signals(setup: Setup, compiled: Compiled, bars: Bars) -> Signals:
    """Find all places where the trigger fired."""
    session_environment = compiled.environment(bars.tick)
    watches = _watch_levels(setup.trigger, compiled, session_environment, bars.tick)
    raids = _find_raids(setup.trigger, watches, bars)
    signs = _signs(setup.trigger)
    known = {name: values[raids.session] for name, values in session_environment.items()}
    failed = _find_failed(setup, known, len(raids.session))
    side = -signs[raids.level]
    refused = {
        fills.FILTERED: failed < len(setup.filters),
        fills.OUTSIDE_WINDOW: _is_outside(compiled, bars, raids),
        fills.DATA_GAP: _has_gap(compiled, bars, raids),
        fills.BOTH_SIDES: _swept_both_sides(bars, signs, watches, raids),
    }
    return Signals(
        raids.session,
        side,
        raids.level,
        raids.started,
        raids.known,
        raids.extreme,
        known | _name_signal(setup, known, raids, side, bars.tick),
        np.select(list(refused.values()), list(refused), fills.TRADED),
        failed,
    )


def find_sign(level: str) -> Sign:
    """Say how a level is swept: a high upwards, a low downwards."""
    return 1 if level.endswith(".high") else -1


def _signs(trigger: SweepReclaim) -> Ints:
    return np.array([find_sign(level) for level in trigger.levels], np.int64)


def _watch_levels(
    trigger: SweepReclaim, compiled: Compiled, environment: Environment, tick: float
) -> list[Watch]:
    first, stop = compiled.watched
    deepest = np.broadcast_to(trigger.min_penetration(environment), first.shape) / tick

    # Ticks are whole: to go beyond 2.4 of them is to go beyond 2.
    penetration = np.floor(np.nan_to_num(deepest) + _NOISE).astype(np.int64)
    return [
        Watch(first, stop, to_ticks(np.nan_to_num(environment[level]), tick), penetration)
        for level in trigger.levels
    ]


def _find_raids(trigger: SweepReclaim, watches: Sequence[Watch], bars: Bars) -> _Raids:
    patience = trigger.reclaim_within.in_bars(bars.timeframe)
    found = [
        _keep_raids(place, find_sweeps(bars, find_sign(level), watches[place], patience))
        for place, level in enumerate(trigger.levels)
    ]
    joined = _Raids(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
    order = np.lexsort((joined.level, joined.known))
    return _Raids(*(part[order] for part in joined))


def _keep_raids(place: int, sweeps: Sweeps) -> _Raids:
    raids = sweeps.kind == RAID
    return _Raids(
        sweeps.session[raids],
        np.full(raids.sum(), place, np.int64),
        sweeps.started[raids],
        sweeps.known[raids],
        sweeps.extreme[raids],
    )


def _find_failed(setup: Setup, environment: Environment, count: int) -> Ints:
    passed = [np.broadcast_to(condition(environment), count) for condition in setup.filters]
    never = np.zeros(count, bool)
    return np.argmin(np.stack((*passed, never)), axis=0)


def _is_outside(compiled: Compiled, bars: Bars, raids: _Raids) -> Truths:
    starts, ends = compiled.window
    closed = bars.time[raids.known] + bars.timeframe.milliseconds
    return (closed < starts[raids.session]) | (closed >= ends[raids.session])


def _has_gap(compiled: Compiled, bars: Bars, raids: _Raids) -> Truths:
    # As far as the session has gone: what is missing later could not be known.
    closed = bars.time[raids.known] + bars.timeframe.milliseconds
    count = raids.known + 1 - compiled.first[raids.session]
    return has_gap(count, closed - compiled.opens_ms[raids.session], bars.timeframe)


def _swept_both_sides(bars: Bars, signs: Ints, watches: Sequence[Watch], raids: _Raids) -> Truths:
    up, down = np.zeros((2, len(raids.known)), bool)
    for sign, watch in zip(signs, watches, strict=True):
        reach = (bars.high if sign > 0 else bars.low)[raids.known]
        beyond = sign * (reach - watch.level[raids.session]) > watch.penetration[raids.session]
        up, down = (up | beyond, down) if sign > 0 else (up, down | beyond)
    raided_up, raided_down = (
        np.isin(raids.known, raids.known[signs[raids.level] == sign]) for sign in (1, -1)
    )
    return (up & down) | (raided_up & raided_down)


def _name_signal(
    setup: Setup, environment: Environment, raids: _Raids, side: Ints, tick: float
) -> dict[str, Floats]:
    edges = np.stack([environment[level] for level in setup.trigger.levels])
    opposites = {
        f"{name}.opposite": np.where(
            side > 0, environment[f"{name}.high"], environment[f"{name}.low"]
        )
        for name, level in setup.levels.items()
        if isinstance(level, SessionRange)
    }
    return opposites | {
        "level": edges[raids.level, np.arange(len(side))],
        "side": side.astype(np.float64),
        "side_out": -side.astype(np.float64),
        "sweep.extreme": to_points(raids.extreme, tick),
    }
