"""A desk for tests of fills: orders and candles in points, what became of them out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.costs import FillRules
from setupdesk.engine.fills import as_prices, fill, find_entries
from setupdesk.engine.tickets import (
    HELD,
    LIMIT,
    MARKET,
    NEVER,
    NO_NEXT_BAR,
    NO_TARGET,
    NOT_REACHED,
    STOP,
    TRADED,
    Account,
    Caps,
    Exits,
    Market,
    Orders,
    Waits,
)
from setupdesk.market.bars import Bars, Ints

Candle = tuple[float, float, float, float]
TICK = 0.1
QUARTER_MS = 900_000
MINUTE_MS = 60_000
KINDS = {"market": MARKET, "stop": STOP, "limit": LIMIT}
CALM: Candle = (100, 100, 100, 100)
PLENTY = Caps(100, 100, 100)
BOTH = pytest.mark.parametrize("side", [1, -1], ids=["long", "short"])
ACCOUNT = Account(10_000, 0.01, TICK, 0.01, 0.01, 1_000, 0, 0, 0)


@dataclass(frozen=True)
class Ticket:
    """One order; a long unless said."""

    kind: str = "stop"
    side: int = 1
    price: float = 100
    stop: float = 95
    target: float | None = 105
    known: int = 0
    expiry: int | None = None
    last: int | None = None
    session: int = 0
    group: int = -1

    def mirrored(self) -> "Ticket":
        """The same seen in a mirror at 100."""
        return replace(
            self,
            side=-self.side,
            price=200 - self.price,
            stop=200 - self.stop,
            target=None if self.target is None else 200 - self.target,
        )


@dataclass(frozen=True)
class Fate:
    """What became of an order, in points."""

    verdict: int
    begins: int
    entered: int
    entry: float
    row: int
    at: int
    exit: float
    reason: int
    ambiguous: bool
    resolved: bool
    worst: float
    best: float
    worst_case: float
    best_case: float
    lots: float
    held_over: int

    def mirrored(self) -> "Fate":
        """The same seen in a mirror at 100."""
        names = ("entry", "exit", "worst", "best", "worst_case", "best_case")
        return replace(self, **{name: round(200 - getattr(self, name), 6) for name in names})


def mirror(candle: Candle) -> Candle:
    opened, high, low, close = candle
    return 200 - opened, 200 - low, 200 - high, 200 - close


def draw(candles: Sequence[Candle], timeframe: Timeframe, stamps: Ints) -> Bars:
    prices = np.rint(np.array(candles, float).reshape(-1, 4) / TICK).astype(np.int64)
    opened, high, low, close = prices.T
    empty = np.full(len(prices), np.nan)
    return Bars(timeframe, TICK, stamps, opened, high, low, close, empty)


def make_market(  # noqa: PLR0913 - what a fill depends on
    candles: Sequence[Candle],
    *,
    spread: float | Sequence[float] = 0,
    slippage: float = 0,
    rules: FillRules = FillRules(),  # noqa: B008 - frozen
    fine: dict[int, Sequence[Candle]] | None = None,
    offsets: Sequence[int] = (0,),
    rolls: Sequence[int] = (),
) -> Market:
    """A market of M15 candles from 00:00; *fine* are M1 candles by the row that they are of.

    A sequence of *spread* is by the hour of the local day.
    """
    stamps = np.arange(len(candles), dtype=np.int64) * QUARTER_MS
    pieces = [
        (row * QUARTER_MS + minute * MINUTE_MS, candle)
        for row, some in sorted((fine or {}).items())
        for minute, candle in enumerate(some)
    ]
    inside = np.array([at for at, _ in pieces], np.int64)
    edges = np.append(stamps, stamps[-1] + QUARTER_MS)
    hours = [spread] if isinstance(spread, int | float) else spread
    return Market(
        as_prices(draw(candles, Timeframe.M15, stamps)),
        as_prices(draw([candle for _, candle in pieces], Timeframe.M1, inside)),
        np.searchsorted(inside, edges) if pieces else np.empty(0, np.int64),
        np.repeat(np.rint(np.array(hours) / TICK).astype(np.int64), 1440 // len(hours)),
        np.array(offsets, np.int64),
        np.array(rolls, np.int64),
        round(slippage / TICK),
        rules.through,
        int(rules.keeps_gap),
        int(rules.flat_next),
        int(rules.stop_first),
    )


def send(
    market: Market, *tickets: Ticket, caps: Caps = PLENTY, account: Account = ACCOUNT
) -> list[Fate]:
    """Send all orders to the market and give what became of each, in the same order."""
    final = len(market.bars.time) - 1
    waits = Waits(
        _ints(one.session for one in tickets),
        _ints(one.side for one in tickets),
        _ints(KINDS[one.kind] for one in tickets),
        _ticks(one.price for one in tickets),
        _ints(one.known for one in tickets),
        _ints(_find_expiry(one, final) for one in tickets),
    )
    entries = find_entries(market, waits)
    never = entries.row == NEVER
    orders = Orders(
        waits.session,
        waits.side,
        _ints(one.group for one in tickets),
        waits.known,
        entries.row,
        entries.rank,
        entries.kind,
        _ints(final if one.last is None else one.last for one in tickets),
        entries.price,
        _ticks(one.stop for one in tickets),
        _ints(
            one.side * NO_TARGET if one.target is None else round(one.target / TICK)
            for one in tickets
        ),
        waits.price,
        np.zeros(len(tickets), np.int64),
        np.where(never, np.where(waits.kind == MARKET, NO_NEXT_BAR, NOT_REACHED), TRADED),
    )
    return _tell(orders, *fill(market, orders, caps, account))


def hold(
    *candles: Candle,
    side: int = 1,
    stop: float = 95,
    target: float | None = 105,
    **how: Any,
) -> Fate:
    """Hold one position from 100 at the open of the first candle; shorts mirrored."""
    market = make_market(candles, **how)
    one = Ticket(stop=stop, target=target)
    one = one if side > 0 else one.mirrored()
    (zero, none), traded = (_ints([0]), _ints([-1])), _ints([TRADED])
    orders = Orders(
        session=zero,
        side=_ints([side]),
        group=none,
        known=none,
        entered=zero,
        rank=zero,
        begins=_ints([HELD]),
        last=_ints([len(candles) - 1]),
        entry=_ticks([100]),
        stop=_ticks([one.stop]),
        target=_ints([side * NO_TARGET]) if one.target is None else _ticks([one.target]),
        wait=zero,
        refused=traded,
        unfit=traded,
    )
    (fate,) = _tell(orders, *fill(market, orders, PLENTY, ACCOUNT))
    return fate


def try_order(ticket: Ticket, *candles: Candle, side: int = 1, **how: Any) -> Fate:
    """Send one order before the first of the candles; shorts mirrored, and mirrored back."""
    fine = how.pop("fine", None) or {}
    if side < 0:
        ticket, candles = ticket.mirrored(), tuple(map(mirror, candles))
        fine = {row: list(map(mirror, some)) for row, some in fine.items()}
    (fate,) = send(make_market([CALM, *candles], fine=fine, **how), ticket)
    return fate if side > 0 else fate.mirrored()


def _find_expiry(ticket: Ticket, final: int) -> int:
    if ticket.kind == "market":
        return min(ticket.known + 1, final)
    return final if ticket.expiry is None else ticket.expiry


def _tell(orders: Orders, verdicts: Ints, exits: Exits) -> list[Fate]:
    return [
        Fate(
            verdict=int(verdicts[row]),
            begins=int(orders.begins[row]),
            entered=int(orders.entered[row]),
            entry=_points(orders.entry[row]),
            row=int(exits.row[row]),
            at=int(exits.at[row]),
            exit=_points(exits.price[row]),
            reason=int(exits.reason[row]),
            ambiguous=bool(exits.ambiguous[row]),
            resolved=bool(exits.resolved[row]),
            worst=_points(exits.worst[row]),
            best=_points(exits.best[row]),
            worst_case=_points(exits.worst_case[row]),
            best_case=_points(exits.best_case[row]),
            lots=float(exits.lots[row]),
            held_over=int(exits.held_over[row]),
        )
        for row in range(len(orders.known))
    ]


def _points(ticks: int) -> float:
    return round(int(ticks) * TICK, 6)


def _ticks(points: Iterable[float]) -> Ints:
    return _ints(round(one / TICK) for one in points)


def _ints(numbers: Iterable[int]) -> Ints:
    return np.array(list(numbers), np.int64)
