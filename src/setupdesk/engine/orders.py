"""Orders: what each signal would buy or sell, at which prices, and whether it may."""

from dataclasses import dataclass

import numpy as np

from setupdesk.engine import tickets
from setupdesk.engine.compile import Compiled
from setupdesk.engine.fills import find_entries, find_first
from setupdesk.engine.prices import to_points, to_ticks_away
from setupdesk.engine.result import Truths
from setupdesk.engine.signals import Signals
from setupdesk.engine.tickets import Entries, Market, Orders, Waits
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.setups.definition import Setup
from setupdesk.setups.expressions import Environment

_NOISE = 1e-9
_KINDS = {"market": tickets.MARKET, "stop": tickets.STOP, "limit": tickets.LIMIT}


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Orders before their stops and targets: where each waits, and where it would be filled."""

    waits: Waits
    entries: Entries
    unfilled: Ints
    """Code of the reason why it is not filled, or ``TRADED``."""

    last: Ints
    """Last row in which a trade may be held."""

    entry: Ints
    """Ticks; the price at which it waits where it is not filled."""

    left_at: Ints
    """What the position could be left at as it begins, in ticks."""

    environment: Environment
    """What formulas of stops and targets may use, in points."""


def place_orders(
    setup: Setup, compiled: Compiled, bars: Bars, signals: Signals, market: Market
) -> Placed:
    """Find where the order of each signal would be filled; stop and target do not matter yet."""
    last = compiled.last[signals.fired.session]
    waits, waits_on = _place(setup, compiled, bars, signals, last)
    entries = find_entries(market, waits)
    missed = entries.row == tickets.NEVER
    entry = np.where(missed, waits.price, entries.price)
    unfilled = {
        tickets.NO_NEXT_BAR: missed & (waits.kind == tickets.MARKET),
        tickets.PENDING: missed & waits_on,
        tickets.NOT_REACHED: missed,
    }
    return Placed(
        waits,
        entries,
        find_first(unfilled, len(entry)),
        last,
        entry,
        _leave_at(setup, bars, market, signals, entries),
        {**signals.environment, "entry": to_points(entry, bars.tick)},
    )


def price_orders(setup: Setup, tick: float, signals: Signals, placed: Placed) -> Orders:
    """Give the orders with their stops and targets, and which of them are unfit."""
    side, waits, entries, entry = signals.fired.side, placed.waits, placed.entries, placed.entry
    stop_price = _broadcast(setup.stop.price(placed.environment), side)
    stop = to_ticks_away(stop_price, tick, -side)
    target_price = _find_target(setup, placed.environment, tick, stop)
    target = to_ticks_away(target_price, tick, side)
    if setup.target.price is None and setup.target.rr is None:
        target = side * tickets.NO_TARGET
    # Reward and risk of an order that waits are those of its price: at its fill it is too late.
    asked = entry if setup.entry.kind == "market" else waits.price
    unfit = {
        tickets.LEVEL_UNKNOWN: np.isnan(stop_price) | np.isnan(target_price),
        # What the position could be left at already lies beyond the stop.
        tickets.STOP_CROSSED: side * (placed.left_at - stop) <= 0,
        tickets.TARGET_CROSSED: side * (target - entry) <= 0,
        tickets.RR_BELOW_MIN: find_rr(asked, stop, target) < setup.min_rr - _NOISE,
    }
    return Orders(
        waits.session,
        side,
        waits.session if setup.entry.kind == "stop" else np.full(len(side), -1, np.int64),
        waits.known,
        entries.row,
        entries.rank,
        entries.kind,
        placed.last,
        entry,
        stop,
        target,
        waits.price,
        signals.refused,
        np.where(placed.unfilled == tickets.TRADED, find_first(unfit, len(entry)), placed.unfilled),
    )


def find_rr(entry: Ints, stop: Ints, target: Ints) -> Floats:
    """Give reward over risk."""
    risk = np.maximum(np.abs(entry - stop), 1)
    return np.abs(target - entry) / risk


def find_spread_at(bars: Bars, market: Market, session: Ints, row: Ints) -> Ints:
    """Give the spread of bars, by the wall clock of the market, in ticks."""
    minute = (bars.time[row] + market.offsets[session]) // 60_000 % 1440
    return market.spreads[minute]


def _place(
    setup: Setup, compiled: Compiled, bars: Bars, signals: Signals, last: Ints
) -> tuple[Waits, Truths]:
    fired, kind = signals.fired, _KINDS[setup.entry.kind]
    if setup.entry.expires is None:
        until = compiled.window[1][fired.session]
    else:
        until = fired.known_ms(bars) + setup.entry.expires.in_milliseconds(bars.timeframe)
    if kind == tickets.MARKET:
        price, expiry = bars.close[fired.known], np.minimum(fired.known + 1, last)
    else:
        price = _find_price(setup, signals, bars.tick)
        expiry = np.minimum(np.searchsorted(bars.time, until) - 1, last)
    waits = Waits(
        fired.session, fired.side, np.full(len(fired.side), kind), price, fired.known, expiry
    )
    return waits, (until > bars.end_ms) & (last >= len(bars) - 1)


def _find_price(setup: Setup, signals: Signals, tick: float) -> Ints:
    fired = signals.fired
    if fired.order is not None:
        return fired.order
    assert setup.entry.price is not None  # noqa: S101 - a limit entry has one
    price = _broadcast(setup.entry.price(signals.environment), fired.side)
    # Rounded away from the market: a limit order is never better than what was asked.
    return to_ticks_away(price, tick, -fired.side)


def _find_target(setup: Setup, environment: Environment, tick: float, stop: Ints) -> Floats:
    side, entry = environment["side"], environment["entry"]
    if setup.target.price is not None:
        return _broadcast(setup.target.price(environment), stop)
    ratio = setup.target.rr or 0.0
    return np.asarray(entry + side * ratio * np.abs(entry - to_points(stop, tick)))


def _leave_at(setup: Setup, bars: Bars, market: Market, signals: Signals, entries: Entries) -> Ints:
    # At the entry, without what it slipped: the bid for a long, the ask for a short.
    fired = signals.fired
    row = np.where(entries.row == tickets.NEVER, fired.known, entries.row)
    slipped = 0 if setup.entry.kind == "limit" else market.slippage
    spread = find_spread_at(bars, market, fired.session, row)
    return entries.price - fired.side * (slipped + spread)


def _broadcast(values: Floats, like: Ints) -> Floats:
    return np.broadcast_to(np.asarray(values, np.float64), like.shape)
