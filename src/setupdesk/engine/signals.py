"""Signals: what each place is worth where the trigger fired, and which are refused at once."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from setupdesk.engine import tickets
from setupdesk.engine.compile import Compiled
from setupdesk.engine.fills import find_first
from setupdesk.engine.levels import has_gap
from setupdesk.engine.result import Truths
from setupdesk.engine.triggers import Fired, find_fired
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.setups.definition import Setup
from setupdesk.setups.levels import Previous, SessionRange


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """Places where the setup triggered, in order of ``known``; every column has a row for each."""

    fired: Fired
    environment: Mapping[str, Floats]
    """What formulas may use, in points."""

    refused: Ints
    """Code of the first reason that stands before any limit, or ``TRADED``."""

    failed: Ints
    """Place of the first filter that the signal fails; the number of filters if none."""

    def __len__(self) -> int:
        return len(self.refused)

    def at(self, rows: Ints) -> "Signals":
        """Give the same for some *rows*."""
        return Signals(
            self.fired.at(rows),
            {name: values[rows] for name, values in self.environment.items()},
            self.refused[rows],
            self.failed[rows],
        )


def find_signals(setup: Setup, compiled: Compiled, bars: Bars) -> Signals:
    """Find all places where the trigger fired."""
    fired = find_fired(setup, compiled, bars)
    known = {name: values[fired.session] for name, values in compiled.levels.items()}
    known |= {name: values[fired.known] for name, values in compiled.bar_levels.items()}
    failed = _find_failed(setup, known, len(fired.known))
    refused = {
        tickets.FILTERED: failed < len(setup.filters),
        tickets.OUTSIDE_WINDOW: _is_outside(compiled, bars, fired),
        tickets.DATA_GAP: _has_gap(compiled, bars, fired),
        tickets.BOTH_SIDES: fired.both_sides if fired.both_sides is not None else failed < 0,
    }
    return Signals(
        fired,
        known | _name_signal(setup, known, fired),
        find_first(refused, len(failed)),
        failed,
    )


def _find_failed(setup: Setup, environment: Mapping[str, Floats], count: int) -> Ints:
    passed = [np.broadcast_to(condition(environment), count) for condition in setup.filters]
    never = np.zeros(count, bool)
    return np.argmin(np.stack((*passed, never)), axis=0)


def _is_outside(compiled: Compiled, bars: Bars, fired: Fired) -> Truths:
    starts, ends = (edge[fired.session] for edge in compiled.window)
    closed = fired.known_ms(bars)
    # An order that waits is placed before the window and is live in it.
    return (closed >= ends) if fired.order is not None else (closed < starts) | (closed >= ends)


def _has_gap(compiled: Compiled, bars: Bars, fired: Fired) -> Truths:
    # As far as the session has gone: what is missing later could not be known.
    closed = bars.time[fired.known] + bars.timeframe.milliseconds
    count = fired.known + 1 - compiled.first[fired.session]
    span = np.maximum(closed - compiled.opens_ms[fired.session], 0)
    return has_gap(np.maximum(count, 0), span, bars.timeframe)


def _name_signal(setup: Setup, known: Mapping[str, Floats], fired: Fired) -> dict[str, Floats]:
    long = fired.side > 0
    sides: dict[str, Floats] = {}
    for name, level in setup.levels.items():
        if isinstance(level, SessionRange | Previous):
            high, low = known[f"{name}.high"], known[f"{name}.low"]
            sides[f"{name}.opposite"] = np.where(long, high, low)
            sides[f"{name}.behind"] = np.where(long, low, high)
    return sides | {
        "level": fired.level_price,
        "side": fired.side.astype(np.float64),
        "side_out": -fired.side.astype(np.float64),
        **fired.terms,
    }
