"""Fills: what the simulated market does with each order of a setup.

One kernel walks the orders in the order in which they could be known. A held position is
followed in a mirror in which every trade is long, bar by bar, in a fixed order: a gap beyond
the stop, a gap beyond the target, both in range (the stop counts), one of them, the flat time.
"""

from typing import Any, NamedTuple

import numpy as np

from setupdesk.detectors.kernel import feed, kernel
from setupdesk.market.bars import Bars, Ints

# What became of a candidate; the codes stand here because the kernel is compiled with them.
TRADED = 0
FILTERED = 1
OUTSIDE_WINDOW = 2
DATA_GAP = 3
BOTH_SIDES = 4
IN_POSITION = 5
SESSION_LIMIT = 6
SIDE_LIMIT = 7
RUN_LIMIT = 8
NO_NEXT_BAR = 9
STOP_CROSSED = 10
TARGET_CROSSED = 11
RR_BELOW_MIN = 12

STOPPED = 0
AT_TARGET = 1
FLAT = 2

_LONGS, _SHORTS, _IN_ALL = 0, 1, 2


class Prices(NamedTuple):
    """The bars as the kernel sees them, in ticks of the bid."""

    time: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints


class Orders(NamedTuple):
    """Candidates in order of ``known``, a row each; prices in ticks."""

    session: Ints
    side: Ints
    """+1 long, -1 short."""

    known: Ints
    """Row at whose close the candidate is known; it enters at the next one."""

    last: Ints
    """Last row in which it may be held."""

    entry: Ints
    stop: Ints
    target: Ints
    refused: Ints
    """Code of a reason that stands before any limit, or ``TRADED``."""

    unfit: Ints
    """Code of a reason that stands after the limits, or ``TRADED``."""


class TickCosts(NamedTuple):
    """What a fill pays, in ticks."""

    spreads: Ints
    """For each minute of the local day."""

    offsets: Ints
    """Milliseconds from UTC to the local day, for each session."""

    slippage: int


class Caps(NamedTuple):
    """How many fills there may be."""

    per_session: int
    per_side: int
    in_all: int


class Outcome(NamedTuple):
    """How one trade ended, or in columns how each did; prices in ticks."""

    row: Any
    price: Any
    reason: Any
    ambiguous: Any
    worst: Any
    """The price that was worst for the trade while it was held."""

    best: Any


def fill(bars: Bars, orders: Orders, costs: TickCosts, caps: Caps) -> tuple[Ints, Ints]:
    """Simulate all orders; give a verdict for each, and an ``Outcome`` in rows."""
    prices = Prices(*map(feed, (bars.time, bars.open, bars.high, bars.low, bars.close)))
    fed = TickCosts(feed(costs.spreads), feed(costs.offsets), costs.slippage)
    return _walk(prices, Orders(*map(feed, orders)), fed, caps)


@kernel
def _walk(prices: Prices, orders: Orders, costs: TickCosts, caps: Caps) -> tuple[Ints, Ints]:
    count = len(orders.known)
    verdicts = np.empty(count, np.int64)
    outcomes = np.zeros((6, count), np.int64)
    session, busy_until = -1, -1
    fills = np.zeros(3, np.int64)
    for order in range(count):
        if orders.session[order] != session:
            session = orders.session[order]
            fills[_SHORTS] = fills[_LONGS] = 0
        verdicts[order] = _judge(orders, order, busy_until, fills, caps)
        if verdicts[order] == TRADED:
            side = orders.side[order]
            fills[_LONGS if side > 0 else _SHORTS] += 1
            fills[_IN_ALL] += 1
            outcome = _hold(prices, orders, order, costs)
            _store(outcomes[:, order], outcome, side)

            # A flat exit is at the close of its bar, so the position is still open then.
            busy_until = outcome.row + (1 if outcome.reason == FLAT else 0)
    return verdicts, outcomes


@kernel
def _judge(orders: Orders, order: int, busy_until: int, fills: Ints, caps: Caps) -> int:
    if orders.refused[order] != TRADED:
        return orders.refused[order]
    if orders.known[order] < busy_until:
        return IN_POSITION
    if fills[_SHORTS] + fills[_LONGS] >= caps.per_session:
        return SESSION_LIMIT
    if fills[_LONGS if orders.side[order] > 0 else _SHORTS] >= caps.per_side:
        return SIDE_LIMIT
    if fills[_IN_ALL] >= caps.in_all:
        return RUN_LIMIT
    return orders.unfit[order]


@kernel
def _hold(prices: Prices, orders: Orders, order: int, costs: TickCosts) -> Outcome:
    side, last = orders.side[order], orders.last[order]
    stop, target = side * orders.stop[order], side * orders.target[order]
    worst = best = side * orders.entry[order]
    spread = 0
    for row in range(orders.known[order] + 1, last + 1):
        # The price at which the position could be left: the bid, for a short the ask.
        if side < 0:
            spread = _spread_at(prices, costs, orders.session[order], row)
        opened = side * (prices.open[row] + spread)
        against = side * ((prices.low[row] if side > 0 else prices.high[row]) + spread)
        favour = side * ((prices.high[row] if side > 0 else prices.low[row]) + spread)
        if opened <= stop or (against <= stop and opened < target):
            price = min(opened, stop) - costs.slippage
            both = 1 if opened > stop and favour >= target else 0
            return Outcome(row, price, STOPPED, both, min(worst, price), best)
        if opened >= target:
            return Outcome(row, target, AT_TARGET, 0, worst, target)
        worst = min(worst, against)
        if favour >= target:
            return Outcome(row, target, AT_TARGET, 0, worst, target)
        best = max(best, favour)
    price = side * (prices.close[last] + spread) - costs.slippage
    return Outcome(last, price, FLAT, 0, min(worst, price), best)


@kernel
def _store(place: Ints, outcome: Outcome, side: int) -> None:
    place[0] = outcome.row
    place[1] = outcome.price * side
    place[2] = outcome.reason
    place[3] = outcome.ambiguous
    place[4] = outcome.worst * side
    place[5] = outcome.best * side


@kernel
def _spread_at(prices: Prices, costs: TickCosts, session: int, row: int) -> int:
    return costs.spreads[(prices.time[row] + costs.offsets[session]) // 60_000 % 1440]
