"""Costs and rules of a fill: what it pays, in ticks, and how strictly it is judged."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from setupdesk.core.symbol import Costs, Symbol
from setupdesk.engine.fills import as_prices
from setupdesk.engine.tickets import Account, Market
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.resample import find_rolls_ms

_NOISE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRules:
    """Where platforms differ in how they fill."""

    through: int = 1
    """Ticks by which price must go beyond a limit order's price; 0 fills it on touch."""

    keeps_gap: bool = False
    """Fill a target that is gapped over at the open, rather than at the target."""

    flat_next: bool = False
    """Close what is left at the first open after the flat time, rather than at the last close."""

    stop_first: bool = False
    """Take the stop in a bar that opens beyond the target and comes back as far as the stop."""


FILL_RULES: Mapping[str, FillRules] = {
    "setupdesk": FillRules(),
    "backtesting.py": FillRules(through=0, keeps_gap=True, flat_next=True, stop_first=True),
}
"""By the name that a request may give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a run trades with."""

    account: float | None = None
    """Money of the quote currency; None for the symbol's own."""

    risk_percent: float = 1.0
    """Of the account, for each trade."""

    rules: FillRules = FillRules()


def build_market(
    symbol: Symbol, bars: Bars, fine: Bars | None, offsets: Ints, rules: FillRules
) -> Market:
    """Give the kernels all that they need of a market."""
    inside = bars[:0] if fine is None else fine
    edges = np.append(bars.time, bars.time[-1:] + bars.timeframe.milliseconds)
    return Market(
        as_prices(bars),
        as_prices(inside),
        np.searchsorted(inside.time, edges) if len(inside) else np.empty(0, np.int64),
        find_spreads(symbol.costs, bars.tick),
        offsets,
        find_rolls_ms(bars.time, symbol.roll),
        find_slippage(symbol.costs, bars.tick),
        rules.through,
        int(rules.keeps_gap),
        int(rules.flat_next),
        int(rules.stop_first),
    )


def build_account(symbol: Symbol, means: Means) -> Account:
    """Give the kernels what sizes and money are computed from."""
    contract, costs, tick = symbol.contract, symbol.costs, symbol.tick
    return Account(
        contract.account if means.account is None else means.account,
        means.risk_percent / 100,
        contract.point_value * tick,
        contract.lot_step,
        contract.min_lot,
        contract.max_lot,
        2 * costs.commission / (contract.point_value * tick),
        costs.swap_long / tick,
        costs.swap_short / tick,
    )


def without_costs(symbol: Symbol) -> Symbol:
    """Give the same symbol, free of any cost."""
    return replace(symbol, costs=Costs(spread=((symbol.costs.spread[0][0], 0.0),), slippage=0.0))


def with_dearer_spread(symbol: Symbol, times: float) -> Symbol:
    """Give the same symbol with *times* the spread."""
    spread = tuple((start, points * times) for start, points in symbol.costs.spread)
    return replace(symbol, costs=replace(symbol.costs, spread=spread))


def find_spreads(costs: Costs, tick: float) -> Ints:
    """Give the spread for each minute of the local day."""
    begins = [at.hour * 60 + at.minute for at, _ in costs.spread]
    values = np.array([_cost_in_ticks(points, tick) for _, points in costs.spread], np.int64)
    return values[np.searchsorted(begins, np.arange(1440), side="right") - 1]


def find_slippage(costs: Costs, tick: float) -> int:
    """Give the slippage of one fill."""
    return _cost_in_ticks(costs.slippage, tick)


def _cost_in_ticks(points: float, tick: float) -> int:
    # Rounded up: a cost is never understated.
    return math.ceil(points / tick - _NOISE)
