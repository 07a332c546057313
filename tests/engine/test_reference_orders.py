"""The fill kernels against a slow reference, written in bids and asks from the page on fills."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from setupdesk.engine import tickets
from setupdesk.engine.costs import FillRules
from setupdesk.engine.tickets import Caps
from tests.engine.desk import PLENTY, TICK, Ticket, make_market, send

Bar = tuple[int, int, int, int]
Minutes = dict[int, list[Bar]]
Row = tuple[object, ...]
ROWS = 24
REASONS = {"stop": tickets.STOPPED, "target": tickets.AT_TARGET, "hold": tickets.FLAT}


@dataclass(frozen=True)
class World:
    """Bids in ticks, and how orders are filled."""

    bars: list[Bar]
    minutes: Minutes
    rules: FillRules
    spread: int
    slippage: int
    caps: Caps


@dataclass(frozen=True)
class Entered:
    row: int
    price: int
    at_open: bool
    rank: tuple[int, int, int]


@dataclass(frozen=True)
class Ended:
    row: int
    price: int
    reason: str
    ambiguous: bool
    resolved: bool


def lift(bar: Bar, ticks: int) -> Bar:
    return bar[0] + ticks, bar[1] + ticks, bar[2] + ticks, bar[3] + ticks


def to_enter(world: World, bar: Bar, side: int) -> Bar:
    """A long is bought at the ask, a short sold at the bid."""
    return lift(bar, world.spread) if side > 0 else bar


def to_leave(world: World, bar: Bar, side: int) -> Bar:
    """A long is sold at the bid, a short bought back at the ask."""
    return bar if side > 0 else lift(bar, world.spread)


def price_of(points: float) -> int:
    return round(points / TICK)


def reaches(world: World, order: Ticket, bar: Bar) -> tuple[bool, bool]:
    """Whether a bar fills an order that waits, and whether its open does."""
    opened, high, low, _ = to_enter(world, bar, order.side)
    price, through = price_of(order.price), world.rules.through
    if order.kind == "stop":
        if order.side > 0:
            return high >= price, opened >= price
        return low <= price, opened <= price
    if order.side > 0:
        return low <= price - through, opened <= price - through
    return high >= price + through, opened >= price + through


def enter(world: World, order: Ticket) -> Entered | None:
    last = min(order.known + 1, ROWS - 1) if order.kind == "market" else ROWS - 1
    last = last if order.expiry is None else order.expiry
    for row in range(order.known + 1, last + 1):
        opened = to_enter(world, world.bars[row], order.side)[0]
        worse = order.side * world.slippage
        if order.kind == "market":
            return Entered(row, opened + worse, at_open=True, rank=(0, 0, 0))
        filled, at_open = reaches(world, order, world.bars[row])
        if not filled:
            continue
        price = price_of(order.price)
        if order.kind == "stop":
            price = (opened if at_open else price) + worse
        return Entered(row, price, at_open, find_rank(world, order, row, at_open=at_open))
    return None


def find_rank(world: World, order: Ticket, row: int, *, at_open: bool) -> tuple[int, int, int]:
    if at_open:
        return 0, 0, 0
    price = price_of(order.price)
    minutes = world.minutes.get(row, [])
    for place, minute in enumerate(minutes):
        if reaches(world, order, minute)[0]:
            return 1, place, abs(to_enter(world, minute, order.side)[0] - price)
    return 1, len(minutes), abs(to_enter(world, world.bars[row], order.side)[0] - price)


def exits(world: World, order: Ticket, bar: Bar, how: str) -> set[str]:
    """All that a bar may have done to a position that it opens with, or fills inside."""
    opened, high, low, close = to_leave(world, bar, order.side)
    stop = price_of(order.stop)
    target = None if order.target is None else price_of(order.target)

    def stops(price: int) -> bool:
        return price <= stop if order.side > 0 else price >= stop

    def pays(price: int) -> bool:
        return target is not None and (price >= target if order.side > 0 else price <= target)

    bad, good = (low, high) if order.side > 0 else (high, low)
    if how == "held" and stops(opened):
        return {"stop"}
    if how == "held" and pays(opened):
        return {"target"}
    if stops(bad) and pays(good):
        return {"stop", "target"}
    if stops(bad):
        return {"stop", "hold"} if how == "stop" and not stops(close) else {"stop"}
    if pays(good):
        return {"target", "hold"} if how == "limit" and not pays(close) else {"target"}
    return {"hold"}


def worst(found: set[str]) -> str:
    return next(one for one in ("stop", "hold", "target") if one in found)


def best(found: set[str]) -> str:
    return next(one for one in ("target", "hold", "stop") if one in found)


def ask_minutes(
    world: World, order: Ticket, row: int, how: str, found: set[str]
) -> tuple[str, bool]:
    """What happened by the minutes, and whether they are sure of it."""
    minutes = world.minutes.get(row, [])
    seen = [exits(world, order, one, "market") for one in minutes]
    reached = set().union(*seen) if seen else set()
    if not (found - {"hold"}) <= reached:
        return worst(found), False
    sure = True
    for minute in minutes:
        now = how
        if how in {"stop", "limit"}:
            filled, at_open = reaches(world, order, minute)
            if not filled:
                continue
            now = "held" if at_open else how
        how = "held"
        told = exits(world, order, minute, now)
        if told == {"target", "hold"}:
            sure = False
        elif len(told) > 1:
            return "stop", False
        elif told != {"hold"}:
            return worst(told), sure
    if how == "held" and found != {"stop", "target"}:
        return "hold", sure
    return worst(found), False


def hold(world: World, order: Ticket, entered: Entered, view: str) -> Ended:
    ambiguous = resolved = False
    last = ROWS - 1 if order.last is None else order.last
    for row in range(entered.row, last + 1):
        how = "held" if row > entered.row or entered.at_open else order.kind
        found = exits(world, order, world.bars[row], how)
        what = worst(found)
        if len(found) > 1:
            ambiguous = True
            if view == "best":
                what = best(found)
            elif view == "resolved":
                what, sure = ask_minutes(world, order, row, how, found)
                resolved = resolved or sure
        if what != "hold":
            price = leave(world, order, row, what, how)
            return Ended(row, price, what, ambiguous, resolved)
    row, place = last, 3
    if world.rules.flat_next and last + 1 < ROWS:
        row, place = last + 1, 0
    price = to_leave(world, world.bars[row], order.side)[place] - order.side * world.slippage
    return Ended(last, price, "hold", ambiguous, resolved)


def leave(world: World, order: Ticket, row: int, what: str, how: str) -> int:
    opened = to_leave(world, world.bars[row], order.side)[0]
    better = max if order.side > 0 else min
    worse = min if order.side > 0 else max
    if what == "stop":
        stop = price_of(order.stop)
        return (worse(opened, stop) if how == "held" else stop) - order.side * world.slippage
    assert order.target is not None
    target = price_of(order.target)
    return better(opened, target) if how == "held" and world.rules.keeps_gap else target


@dataclass
class Book:
    """What has been traded so far."""

    caps: Caps
    used: list[tuple[int, int]] = field(default_factory=list)
    cancelled: set[int] = field(default_factory=set)
    held_until: int = -1
    free_from: int = -1

    def refuse(self, order: Ticket, entered: Entered | None) -> int | None:
        """Why an order is not traded, None if it is."""
        if order.group in self.cancelled:
            return tickets.OCO_CANCELLED
        if entered is None and order.kind != "market":
            return tickets.NOT_REACHED
        if entered is None:
            busy = order.known + 1 < self.free_from
        else:
            busy = entered.row <= self.held_until
        if busy:
            return tickets.IN_POSITION
        return self.limit(order) or (tickets.NO_NEXT_BAR if entered is None else None)

    def limit(self, order: Ticket) -> int | None:
        of_session = [side for session, side in self.used if session == order.session]
        if len(of_session) >= self.caps.per_session:
            return tickets.SESSION_LIMIT
        if of_session.count(order.side) >= self.caps.per_side:
            return tickets.SIDE_LIMIT
        return tickets.RUN_LIMIT if len(self.used) >= self.caps.in_all else None

    def note(self, order: Ticket, ended: Ended) -> None:
        self.used.append((order.session, order.side))
        self.cancelled |= {order.group} if order.group >= 0 else set()
        self.held_until = ended.row
        self.free_from = ended.row + (2 if ended.reason == "hold" else 1)


def trade(world: World, orders: Sequence[Ticket]) -> list[Row]:
    """Each order's verdict, and its entry and exits if it was traded."""
    entries = [enter(world, one) for one in orders]
    told: list[Row] = [()] * len(orders)
    book = Book(world.caps)

    def turn(place: int) -> tuple[int, tuple[int, int, int], int]:
        entered, order = entries[place], orders[place]
        if entered is not None:
            return entered.row, entered.rank, place
        last = ROWS - 1 if order.last is None else order.last
        row = order.known if order.kind == "market" else last
        return row + 1, (-1, 0, 0), place

    for place in sorted(range(len(orders)), key=turn):
        order, entered = orders[place], entries[place]
        refusal = book.refuse(order, entered)
        if refusal is not None or entered is None:
            told[place] = (refusal,)
            continue
        ended = hold(world, order, entered, "resolved")
        book.note(order, ended)
        told[place] = (tickets.TRADED, *tell(world, order, entered, ended))
    return told


def tell(world: World, order: Ticket, entered: Entered, ended: Ended) -> Row:
    views = [hold(world, order, entered, view).price for view in ("worst", "best")]
    prices = sorted([*views, ended.price] if ended.ambiguous else [ended.price])
    low, high = (prices[0], prices[-1])[:: order.side]
    return (
        *(entered.row, entered.price, ended.row, ended.price),
        *(REASONS[ended.reason], ended.ambiguous, ended.resolved, low, high),
    )


def draw_world(random: np.random.Generator, *, with_minutes: bool) -> World:
    """Bars and the minutes that they were made of, some of which are lost."""
    steps = random.integers(-3, 4, (ROWS, 4, 5))
    steps[:, 0, 0] += random.integers(-6, 7, ROWS) * (random.random(ROWS) < 0.2)
    path = 1_000 + np.cumsum(steps).reshape(ROWS, 4, 5)
    bars = [merge(path[row].reshape(-1)) for row in range(ROWS)]
    minutes = {
        row: [merge(minute) for minute in path[row] if random.random() > 0.05]
        for row in range(ROWS)
        if with_minutes and random.random() > 0.1
    }
    rules = FillRules(
        through=int(random.integers(0, 2)),
        keeps_gap=bool(random.integers(0, 2)),
        flat_next=bool(random.integers(0, 2)),
    )
    caps = [PLENTY, Caps(2, 1, 3), Caps(1, 1, 9)][int(random.integers(0, 3))]
    spread, slippage = (int(one) for one in random.integers(0, 3, 2))
    return World(
        bars, {row: some for row, some in minutes.items() if some}, rules, spread, slippage, caps
    )


def merge(path: np.ndarray) -> Bar:
    return int(path[0]), int(path.max()), int(path.min()), int(path[-1])


def draw_orders(random: np.random.Generator, world: World) -> list[Ticket]:
    """Orders about where price is; the stop lies beyond the spread, the target ahead."""
    orders = []
    for place in range(8):
        side, known = int(random.choice([1, -1])), int(random.integers(0, ROWS))
        kind = str(random.choice(["market", "stop", "limit"]))
        near = world.bars[min(known + 1, ROWS - 1)][0]
        away = int(random.integers(1, 8)) * (1 if kind == "stop" else -1)
        price = near + (side * away if kind != "market" else 0)
        risk, reward = (int(one) for one in random.integers(4, 12, 2))
        group = int(random.integers(0, 2)) if kind == "stop" else -1
        orders.append(
            Ticket(
                kind,
                side,
                price=price * TICK,
                stop=(price - side * risk) * TICK,
                target=None if place == 0 else (price + side * reward) * TICK,
                known=known,
                expiry=None if kind == "market" else min(known + 8, ROWS - 1),
                last=ROWS - 1 if known >= ROWS // 2 else None,
                session=int(known >= ROWS // 2),
                group=group,
            )
        )
    return orders


def play(world: World, orders: Sequence[Ticket]) -> list[Row]:
    candles = [tuple(one * TICK for one in bar) for bar in world.bars]
    fine = {
        row: [tuple(one * TICK for one in minute) for minute in some]
        for row, some in world.minutes.items()
    }
    market = make_market(
        candles,  # type: ignore[arg-type]  # four prices each
        spread=world.spread * TICK,
        slippage=world.slippage * TICK,
        rules=world.rules,
        fine=fine,  # type: ignore[arg-type]
        offsets=[0, 0],
    )
    return [
        (one.verdict,)
        if one.verdict != tickets.TRADED
        else (
            *(one.verdict, one.entered, price_of(one.entry), one.row, price_of(one.exit)),
            *(one.reason, one.ambiguous, one.resolved),
            *(price_of(one.worst_case), price_of(one.best_case)),
        )
        for one in send(market, *orders, caps=world.caps)
    ]


@pytest.mark.parametrize("with_minutes", [False, True], ids=["bars only", "with minutes"])
def test_random_orders_are_filled_as_the_slow_reference_fills_them(*, with_minutes: bool) -> None:
    random = np.random.default_rng(17)
    met: Counter[object] = Counter()

    for _ in range(1_500):
        world = draw_world(random, with_minutes=with_minutes)
        orders = draw_orders(random, world)
        told = trade(world, orders)
        met.update(one[0] for one in told)
        met.update(("ambiguous", one[6], one[7]) for one in told if len(one) > 1)
        assert play(world, orders) == told, (world, orders)

    assert met[tickets.TRADED] > 2_000
    assert met["ambiguous", True, False] > 50
    assert (met["ambiguous", True, True] > 50) == with_minutes
    refusals = {
        *(tickets.NOT_REACHED, tickets.IN_POSITION, tickets.OCO_CANCELLED, tickets.NO_NEXT_BAR),
        *(tickets.SESSION_LIMIT, tickets.SIDE_LIMIT, tickets.RUN_LIMIT),
    }
    assert all(met[one] > 20 for one in refusals)
