"""Fills: what the simulated market does with each order of a setup.

One kernel finds where each order would be filled, another walks the fills in the order in which
they come. A position is followed in a mirror in which every trade is long, bar by bar, in a fixed
order: a gap beyond the stop, a gap beyond the target, both in range, one of them, the flat time.
Where a bar leaves open what came first, finer bars are asked; without them the stop comes first.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from setupdesk.detectors.kernel import feed, kernel
from setupdesk.engine.result import Truths
from setupdesk.engine.tickets import (
    AT_TARGET,
    FLAT,
    HELD,
    IN_POSITION,
    LIMIT,
    MARKET,
    NEVER,
    NO_NEXT_BAR,
    OCO_CANCELLED,
    RUN_LIMIT,
    SESSION_LIMIT,
    SIDE_LIMIT,
    SIZE_BELOW_MIN,
    STOP,
    STOPPED,
    TRADED,
    Account,
    Caps,
    Entries,
    Exits,
    Market,
    Orders,
    Prices,
    Waits,
)
from setupdesk.market.bars import Bars, Floats, Ints

_FAR = 2**32
"""Ticks; farther than any price is from another in one bar."""

# What a bar says of a position: for sure, or leaving open what came first.
_NOTHING = 0
_STOP = 1
_TARGET = 2
_STOP_OR_TARGET = 3
_STOP_OR_NOTHING = 4
_TARGET_OR_NOTHING = 5

_PESSIMISTIC = 0
_RESOLVED = 1
_OPTIMISTIC = 2


class _Entry(NamedTuple):
    opened: int
    top: int
    bottom: int


class _End(NamedTuple):
    row: int
    at: int
    price: int
    reason: int
    ambiguous: int
    resolved: int
    worst: int
    best: int


def as_prices(bars: Bars) -> Prices:
    """Give *bars* as kernels see them."""
    return Prices(*map(feed, (bars.time, bars.open, bars.high, bars.low, bars.close)))


def find_first(reasons: Mapping[int, Truths], count: int) -> Ints:
    """Give for each of *count* rows the code of the first reason that stands, or ``TRADED``."""
    codes = np.full(count, TRADED)
    for code, stands in reversed(list(reasons.items())):
        codes[stands] = code
    return codes


def find_entries(market: Market, waits: Waits) -> Entries:
    """Find where each order would be filled."""
    fed = Waits(*map(feed, waits))
    found = np.full((4, len(waits.known)), NEVER)
    _find_entries(market, fed, found)
    return Entries(*found)


def fill(market: Market, orders: Orders, caps: Caps, account: Account) -> tuple[Ints, Exits]:
    """Simulate all orders in the order of their fills.

    Gives a verdict for each, and how each trade ended.
    """
    count = len(orders.known)
    verdicts = orders.refused.copy()
    lots, ended = np.zeros(count), np.zeros((count, len(Exits._fields) - 1), np.int64)
    # What waits in vain is judged when its session is over: by then another may have cancelled it.
    never = np.where(orders.unfit == NO_NEXT_BAR, orders.known, orders.last) + 1
    at = np.where(orders.entered == NEVER, never, orders.entered)
    open_to_fill = np.flatnonzero(orders.refused == TRADED)
    turns = open_to_fill[np.lexsort((orders.rank[open_to_fill], at[open_to_fill]))]
    _walk(market, Orders(*map(feed, orders)), feed(turns), caps, account, verdicts, lots, ended)
    return verdicts, Exits(lots, *ended.T)


@kernel
def _find_entries(market: Market, waits: Waits, found: Ints) -> None:
    for order in range(len(waits.known)):
        side, kind = waits.side[order], waits.kind[order]
        price = side * waits.price[order]
        for row in range(waits.known[order] + 1, waits.expiry[order] + 1):
            # A long buys at the ask; in the mirror a short buys too.
            spread = 0
            if side > 0:
                spread = _spread_at(market, market.bars.time[row], waits.session[order])
            opened = side * (market.bars.open[row] + spread)
            if kind == MARKET:
                _note(found, order, row, side * (opened + market.slippage), HELD, 0)
                break
            high, low = market.bars.high[row] + spread, market.bars.low[row] + spread
            top, bottom = (high, low) if side > 0 else (-low, -high)
            if kind == STOP and top >= price:
                gone = opened >= price
                paid = max(opened, price) + market.slippage
                rank = 0 if gone else 1 + _find_rank(market, waits, order, row, opened)
                _note(found, order, row, side * paid, HELD if gone else STOP, rank)
                break
            if kind == LIMIT and bottom <= price - market.through:
                gone = opened <= price - market.through
                rank = 0 if gone else 1 + _find_rank(market, waits, order, row, opened)
                _note(found, order, row, side * price, HELD if gone else LIMIT, rank)
                break


@kernel
def _note(found: Ints, order: int, row: int, price: int, kind: int, rank: int) -> None:
    found[0, order], found[1, order], found[2, order], found[3, order] = row, price, kind, rank


@kernel
def _find_rank(market: Market, waits: Waits, order: int, row: int, opened: int) -> int:
    # How far price had to go from the open; by the finer bars, if they know of the fill.
    side, kind, session = waits.side[order], waits.kind[order], waits.session[order]
    price = side * waits.price[order]
    first, stop = _fine_rows(market, row)
    for place in range(first, stop):
        entry = _meet(market, place, side, session)
        if _is_filled(market, entry, kind, price):
            return (place - first) * _FAR + abs(entry.opened - price)
    return (stop - first) * _FAR + abs(opened - price)


@kernel
def _meet(market: Market, place: int, side: int, session: int) -> _Entry:
    # The prices of a finer bar at which the position could be entered, seen in the mirror.
    fine = market.fine
    if side < 0:
        return _Entry(-fine.open[place], -fine.low[place], -fine.high[place])
    spread = _spread_at(market, fine.time[place], session)
    return _Entry(fine.open[place] + spread, fine.high[place] + spread, fine.low[place] + spread)


@kernel
def _is_filled(market: Market, entry: _Entry, kind: int, price: int) -> bool:
    return entry.top >= price if kind == STOP else entry.bottom <= price - market.through


@kernel
def _walk(
    market: Market,
    orders: Orders,
    turns: Ints,
    caps: Caps,
    account: Account,
    verdicts: Ints,
    lots: Floats,
    ended: Ints,
) -> None:
    # Columns are taken out of their tuples once: each time costs as much as a bar.
    session, side, group, known = orders.session, orders.side, orders.group, orders.known
    entered, entry, stop, unfit = orders.entered, orders.entry, orders.stop, orders.unfit
    fills = np.zeros((2, len(market.offsets)), np.int64)
    taken = np.zeros(len(market.offsets), np.bool_)
    in_all, held_until, left_at, balance = 0, -1, -1, account.balance
    for order in turns:
        of, place = session[order], 1 if side[order] > 0 else 0
        if group[order] >= 0 and taken[group[order]]:
            verdict = OCO_CANCELLED
        else:
            verdict = _judge(entered[order], known[order], unfit[order], held_until, left_at)
        if verdict == TRADED:
            of_session, of_side = fills[0, of] + fills[1, of], fills[place, of]
            verdict = _limit(caps, of_session, of_side, in_all)
        if verdict == TRADED:
            verdict = unfit[order]
        if verdict == TRADED:
            lots[order] = _size(account, balance, abs(entry[order] - stop[order]))
            if lots[order] < account.min_lot:
                verdict = SIZE_BELOW_MIN
        verdicts[order] = verdict
        if verdict == TRADED:
            in_all += 1
            fills[place, of] += 1
            if group[order] >= 0:
                taken[group[order]] = True
            held_until, left_at, gained = _trade(market, orders, order, account, ended)
            balance += gained * lots[order] * account.tick_value


@kernel
def _trade(
    market: Market, orders: Orders, order: int, account: Account, ended: Ints
) -> tuple[int, int, float]:
    # Gives the last row in which it is held, the row at whose open it is gone, and its gain in
    # ticks.
    side = orders.side[order]
    end = _hold(market, orders, order, _RESOLVED)
    low = high = end.price
    if end.ambiguous:
        # Held on past its stop it may end worse than there, so the two are put in order.
        one = _hold(market, orders, order, _PESSIMISTIC).price
        other = _hold(market, orders, order, _OPTIMISTIC).price
        low, high = min(one, other, end.price), max(one, other, end.price)
    rolls = _count_rolls(market, orders.entered[order], end.row)
    _store(ended, order, side, end, low, high, rolls)
    swap = rolls * (account.swap_long if side > 0 else account.swap_short)
    gained = end.price - side * orders.entry[order] - account.commission + swap

    # A flat exit is at the close of its bar, so the position is still open then.
    return end.row, end.row + (2 if end.reason == FLAT else 1), gained


@kernel
def _judge(entered: int, known: int, unfit: int, held_until: int, left_at: int) -> int:
    if entered == NEVER:
        if unfit != NO_NEXT_BAR:
            return unfit
        return IN_POSITION if known + 1 < left_at else TRADED
    return IN_POSITION if entered <= held_until else TRADED


@kernel
def _limit(caps: Caps, of_session: int, of_side: int, in_all: int) -> int:
    if of_session >= caps.per_session:
        return SESSION_LIMIT
    if of_side >= caps.per_side:
        return SIDE_LIMIT
    return RUN_LIMIT if in_all >= caps.in_all else TRADED


@kernel
def _size(account: Account, balance: float, risk: int) -> float:
    # The share of what the closed trades have left, in whole steps.
    money = max(balance, 0.0) * account.risk
    lots = money / (risk * account.tick_value) if risk > 0 else 0.0
    return min(np.floor(lots / account.lot_step + 1e-9) * account.lot_step, account.max_lot)


@kernel
def _hold(market: Market, orders: Orders, order: int, mode: int) -> _End:
    side, last = orders.side[order], orders.last[order]
    entered, session = orders.entered[order], orders.session[order]
    stop, target = side * orders.stop[order], side * orders.target[order]
    worst = best = side * orders.entry[order]
    ambiguous = resolved = 0
    for row in range(entered, last + 1):
        time = market.bars.time[row]
        how = orders.begins[order] if row == entered else HELD
        opened, against, favour, closed = _look(market, market.bars, row, side, session)
        says = _say(market.stop_first, how, opened, against, favour, closed, stop, target)
        at = time
        if says >= _STOP_OR_TARGET:
            ambiguous = 1
            if mode == _RESOLVED:
                says, at, settled = _resolve(market, orders, order, row, says)
                resolved = max(resolved, settled)
            else:
                says = _guess(says, mode)
        if says == _STOP:
            gone = how == HELD and opened <= stop
            price = (opened if gone else stop) - market.slippage
            return _End(row, at, price, STOPPED, ambiguous, resolved, min(worst, price), best)
        if says == _TARGET:
            gone = how == HELD and opened >= target
            if not gone:
                worst = min(worst, max(against, stop))
            price = opened if gone and market.keeps_gap else target
            return _End(row, at, price, AT_TARGET, ambiguous, resolved, worst, max(best, price))
        worst = min(worst, max(against, stop))
        # What a limit order's bar reached may lie before its fill.
        best = max(best, closed if how == LIMIT else favour)
    return _leave(market, session, side, last, ambiguous, resolved, worst, best)


@kernel
def _leave(
    market: Market,
    session: int,
    side: int,
    last: int,
    ambiguous: int,
    resolved: int,
    worst: int,
    best: int,
) -> _End:
    row = last
    if market.flat_next and last + 1 < len(market.bars.time):
        row = last + 1
    opened, _, _, closed = _look(market, market.bars, row, side, session)
    price = (opened if row > last else closed) - market.slippage
    at = market.bars.time[row]
    return _End(last, at, price, FLAT, ambiguous, resolved, min(worst, price), max(best, price))


@kernel
def _look(
    market: Market, prices: Prices, row: int, side: int, session: int
) -> tuple[int, int, int, int]:
    # The prices at which the position could be left: the bid, for a short the ask.
    if side > 0:
        return prices.open[row], prices.low[row], prices.high[row], prices.close[row]
    spread = _spread_at(market, prices.time[row], session)
    return (
        -prices.open[row] - spread,
        -prices.high[row] - spread,
        -prices.low[row] - spread,
        -prices.close[row] - spread,
    )


@kernel
def _say(
    stop_first: int,
    how: int,
    opened: int,
    against: int,
    favour: int,
    closed: int,
    stop: int,
    target: int,
) -> int:
    if how == HELD:
        if opened <= stop:
            return _STOP
        if opened >= target:
            return _STOP if stop_first and against <= stop else _TARGET
    hits_stop, hits_target = against <= stop, favour >= target
    if hits_stop and hits_target:
        return _STOP_OR_TARGET
    if hits_stop:
        # Before a stop order was filled, price may have been anywhere below.
        return _STOP_OR_NOTHING if how == STOP and closed > stop else _STOP
    if hits_target:
        # Before a limit order was filled, price may have been anywhere above.
        return _TARGET_OR_NOTHING if how == LIMIT and closed < target else _TARGET
    return _NOTHING


@kernel
def _guess(says: int, mode: int) -> int:
    if mode == _OPTIMISTIC:
        return _NOTHING if says == _STOP_OR_NOTHING else _TARGET
    return _NOTHING if says == _TARGET_OR_NOTHING else _STOP


@kernel
def _resolve(
    market: Market, orders: Orders, order: int, row: int, says: int
) -> tuple[int, int, int]:
    # Follow the finer bars of the row; where they leave it open too, or know nothing of it, the
    # pessimistic guess stands.
    side, session = orders.side[order], orders.session[order]
    stop, target = side * orders.stop[order], side * orders.target[order]
    price, how, settled = side * orders.wait[order], HELD, 1
    begins = orders.begins[order] if row == orders.entered[order] else HELD
    inside = begins == HELD
    first, after = _fine_rows(market, row)
    if not _know(market, row, side, session, says, stop, target):
        return _guess(says, _PESSIMISTIC), market.bars.time[row], 0
    for place in range(first, after):
        if not inside:
            entry = _meet(market, place, side, session)
            if not _is_filled(market, entry, begins, price):
                continue
            opened = entry.opened
            gone = opened >= price if begins == STOP else opened <= price - market.through
            how, inside = HELD if gone else begins, True
        opened, against, favour, closed = _look(market, market.fine, place, side, session)
        now = _say(market.stop_first, how, opened, against, favour, closed, stop, target)
        how = HELD
        if now in (_STOP, _TARGET):
            return now, market.fine.time[place], settled
        if now == _TARGET_OR_NOTHING:
            settled = 0
        elif now != _NOTHING:
            return _STOP, market.fine.time[place], 0
    if inside and says != _STOP_OR_TARGET:
        return _NOTHING, market.bars.time[row], settled
    return _guess(says, _PESSIMISTIC), market.bars.time[row], 0


@kernel
def _know(
    market: Market, row: int, side: int, session: int, says: int, stop: int, target: int
) -> bool:
    # Whether the finer bars reach what the bar has reached; else some of them are missing.
    stopped = says == _TARGET_OR_NOTHING
    reached = says == _STOP_OR_NOTHING
    first, after = _fine_rows(market, row)
    for place in range(first, after):
        _, against, favour, _ = _look(market, market.fine, place, side, session)
        stopped = stopped or against <= stop
        reached = reached or favour >= target
    return stopped and reached


@kernel
def _fine_rows(market: Market, row: int) -> tuple[int, int]:
    if len(market.fine_first) == 0:
        return 0, 0
    return market.fine_first[row], market.fine_first[row + 1]


@kernel
def _count_rolls(market: Market, first: int, last: int) -> int:
    time, rolls = market.bars.time, market.rolls
    before = np.searchsorted(rolls, time[first], side="right")
    return np.searchsorted(rolls, time[last], side="right") - before


@kernel
def _store(
    ended: Ints, order: int, side: int, end: _End, low: int, high: int, held_over: int
) -> None:
    # In the order of the fields of Exits.
    ended[order] = (
        end.row,
        end.at,
        end.price * side,
        end.reason,
        end.ambiguous,
        end.resolved,
        end.worst * side,
        end.best * side,
        low * side,
        high * side,
        held_over,
    )


@kernel
def _spread_at(market: Market, time: int, session: int) -> int:
    return market.spreads[(time + market.offsets[session]) // 60_000 % 1440]
