"""Orders: what each signal would buy or sell, at which prices, and whether it may."""

import numpy as np

from setupdesk.engine import fills
from setupdesk.engine.compile import Compiled
from setupdesk.engine.fills import Orders, TickCosts
from setupdesk.engine.prices import to_points, to_ticks_away
from setupdesk.engine.signals import Signals
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.setups.definition import Setup

_NOISE = 1e-9


def place_orders(
    setup: Setup, compiled: Compiled, bars: Bars, signals: Signals, costs: TickCosts
) -> Orders:
    """Give the market order of each signal, entered at the open of the next bar."""
    last = compiled.last[signals.session]
    exists = signals.known < last
    row = np.where(exists, signals.known + 1, signals.known)
    spread = find_spread_at(bars, costs, signals.session, row)
    side, opened = signals.side, bars.open[row]
    entry = opened + np.where(side > 0, spread, 0) + side * costs.slippage
    stop = _find_stop(setup, signals, bars.tick)
    target = _find_target(setup, signals, entry, stop, bars.tick)
    unfit = {
        fills.NO_NEXT_BAR: ~exists,
        # What the position could be left at already lies beyond the stop.
        fills.STOP_CROSSED: side * (opened + np.where(side < 0, spread, 0) - stop) <= 0,
        fills.TARGET_CROSSED: side * (target - entry) <= 0,
        fills.RR_BELOW_MIN: find_rr(entry, stop, target) < setup.min_rr - _NOISE,
    }
    return Orders(
        signals.session,
        side,
        signals.known,
        last,
        entry,
        stop,
        target,
        signals.refused,
        np.select(list(unfit.values()), list(unfit), fills.TRADED),
    )


def find_rr(entry: Ints, stop: Ints, target: Ints) -> Floats:
    """Give reward over risk."""
    risk = np.maximum(np.abs(entry - stop), 1)
    return np.abs(target - entry) / risk


def find_spread_at(bars: Bars, costs: TickCosts, session: Ints, row: Ints) -> Ints:
    """Give the spread of bars, by the wall clock of the market, in ticks."""
    minute = (bars.time[row] + costs.offsets[session]) // 60_000 % 1440
    return costs.spreads[minute]


def _find_stop(setup: Setup, signals: Signals, tick: float) -> Ints:
    price = np.broadcast_to(setup.stop.price(signals.environment), signals.side.shape)
    return to_ticks_away(price, tick, -signals.side)


def _find_target(setup: Setup, signals: Signals, entry: Ints, stop: Ints, tick: float) -> Ints:
    if setup.target.price is not None:
        price = np.broadcast_to(setup.target.price(signals.environment), signals.side.shape)
    else:
        assert setup.target.rr is not None  # noqa: S101 - a Target has one of the two
        price = to_points(entry + signals.side * setup.target.rr * np.abs(entry - stop), tick)
    return to_ticks_away(price, tick, signals.side)
