"""What a market does with an order, row by row of the page on honest simulation."""

import pytest

from setupdesk.engine.costs import FILL_RULES, FillRules
from setupdesk.engine.tickets import AT_TARGET, FLAT, NO_NEXT_BAR, NOT_REACHED, STOPPED, TRADED
from tests.engine.desk import (
    BOTH,
    CALM,
    Candle,
    Ticket,
    hold,
    make_market,
    mirror,
    send,
    try_order,
)


@pytest.mark.parametrize(
    ("candle", "price", "reason", "ambiguous"),
    [
        ((100, 106, 94, 101), 95, STOPPED, True),
        ((93, 94, 92, 93), 93, STOPPED, False),
        ((107, 108, 106, 107), 105, AT_TARGET, False),
        ((107, 108, 94, 95), 105, AT_TARGET, False),
        ((93, 106, 92, 105), 93, STOPPED, False),
        ((95, 106, 94, 105), 95, STOPPED, False),
        ((105, 106, 94, 95), 105, AT_TARGET, False),
        ((100, 101, 95, 100), 95, STOPPED, False),
        ((100, 105, 99, 104), 105, AT_TARGET, False),
        ((100, 104.9, 95.1, 103), 103, FLAT, False),
    ],
    ids=[
        "both in range",
        "gap beyond the stop",
        "gap beyond the target",
        "gap beyond the target, then the stop",
        "gap beyond the stop, then the target",
        "open at the stop",
        "open at the target",
        "stop on touch",
        "target on touch",
        "neither",
    ],
)
@BOTH
def test_golden_11_a_held_position(
    candle: Candle, price: float, reason: int, side: int, *, ambiguous: bool
) -> None:
    fate = hold(candle if side > 0 else mirror(candle), side=side)

    assert fate.exit == (price if side > 0 else 200 - price)
    assert (fate.row, fate.reason, fate.ambiguous) == (0, reason, ambiguous)


@pytest.mark.parametrize(("high", "reason"), [(103.5, STOPPED), (102.9, FLAT)])
def test_golden_11_the_stop_of_a_short_is_met_by_the_ask(high: float, reason: int) -> None:
    fate = hold((100, high, 99, 100), side=-1, spread=2)

    assert fate.reason == reason


@pytest.mark.parametrize(("low", "reason"), [(93, AT_TARGET), (93.1, FLAT)])
def test_the_target_of_a_short_is_met_by_the_ask(low: float, reason: int) -> None:
    fate = hold((100, 101, low, 100), side=-1, spread=2)

    assert fate.reason == reason


@BOTH
def test_a_long_leaves_at_the_bid_and_a_short_at_the_ask(side: int) -> None:
    fate = hold((100, 101, 99, 100.5), side=side, spread=2, slippage=0.5)

    assert fate.exit == (100 if side > 0 else 103)


@pytest.mark.parametrize(
    ("candle", "price"),
    [((100, 101, 94, 95), 94.5), ((93, 94, 92, 93), 92.5), ((100, 106, 99, 105), 105)],
    ids=["stop", "gap", "target"],
)
def test_slippage_is_paid_at_the_stop_and_not_at_the_target(candle: Candle, price: float) -> None:
    assert hold(candle, slippage=0.5).exit == price


@pytest.mark.parametrize(
    ("candles", "worst", "best"),
    [
        ([(100, 103, 98, 102), (102, 110, 90, 95)], 95, 103),
        ([(100, 103, 98, 102), (102, 110, 97, 105)], 97, 105),
        ([(100, 103, 98, 102), (107, 110, 90, 95)], 98, 105),
        ([(100, 103, 98, 102), (90, 104, 89, 95)], 90, 103),
        ([(100, 103, 98, 102), (102, 104, 97, 100)], 97, 104),
    ],
    ids=["stop", "target", "gap beyond the target", "gap beyond the stop", "flat"],
)
def test_excursions_end_where_the_trade_ends(
    candles: list[Candle], worst: float, best: float
) -> None:
    fate = hold(*candles)

    assert (fate.worst, fate.best) == (worst, best)


@BOTH
def test_without_a_target_a_trade_ends_at_its_stop_or_the_flat_time(side: int) -> None:
    candles = [(100, 900, 99, 800), (800, 900, 700, 850)]
    drawn = [one if side > 0 else mirror(one) for one in candles]

    fate = hold(*drawn, side=side, target=None)

    assert (fate.reason, fate.row) == (FLAT, 1)
    assert fate.exit == (850 if side > 0 else -650)


def test_a_gap_beyond_the_target_is_kept_only_where_the_rules_say_so() -> None:
    candle: Candle = (107, 108, 106, 107)

    assert hold(candle).exit == 105
    assert hold(candle, rules=FillRules(keeps_gap=True)).exit == 107
    assert hold(mirror(candle), side=-1, rules=FillRules(keeps_gap=True)).exit == 93


@pytest.mark.parametrize(("flat_next", "price"), [(False, 101), (True, 103)])
def test_what_is_left_is_closed_at_the_last_close_or_the_next_open(
    price: float, *, flat_next: bool
) -> None:
    market = make_market(
        [CALM, (100, 102, 99, 101), (103, 104, 102, 103)], rules=FillRules(flat_next=flat_next)
    )

    (fate,) = send(market, Ticket("market", last=1))

    assert (fate.reason, fate.exit, fate.row) == (FLAT, price, 1)


def test_the_last_bar_has_no_next_open_to_close_at() -> None:
    market = make_market([CALM, (100, 102, 99, 101)], rules=FillRules(flat_next=True))

    (fate,) = send(market, Ticket("market"))

    assert (fate.reason, fate.exit) == (FLAT, 101)


def test_the_names_of_the_fill_rules_are_those_of_a_request() -> None:
    assert FILL_RULES["setupdesk"] == FillRules(through=1, keeps_gap=False, flat_next=False)
    assert FILL_RULES["backtesting.py"] == FillRules(
        through=0, keeps_gap=True, flat_next=True, stop_first=True
    )


@pytest.mark.parametrize(
    ("candle", "reason", "price", "ambiguous"),
    [
        ((99, 106, 98, 104), AT_TARGET, 105, False),
        ((99, 103, 94, 102), STOPPED, 95, True),
        ((99, 106, 94, 104), STOPPED, 95, True),
        ((99, 103, 94, 94.5), STOPPED, 95, False),
        ((99, 103, 98, 102), FLAT, 102, False),
    ],
    ids=["target", "low may predate", "both", "closed beyond the stop", "neither"],
)
@BOTH
def test_golden_11_a_stop_entry(
    candle: Candle, reason: int, price: float, side: int, *, ambiguous: bool
) -> None:
    fate = try_order(Ticket("stop"), candle, side=side)

    assert (fate.verdict, fate.entered, fate.entry) == (TRADED, 1, 100)
    assert (fate.reason, fate.exit, fate.ambiguous) == (reason, price, ambiguous)


@pytest.mark.parametrize(
    ("candle", "reason", "price", "ambiguous"),
    [
        ((102, 106, 98, 101), FLAT, 101, True),
        ((102, 106, 98, 105.5), AT_TARGET, 105, False),
        ((102, 106, 98, 105), AT_TARGET, 105, False),
        ((102, 103, 94, 97), STOPPED, 95, False),
        ((102, 106, 94, 97), STOPPED, 95, True),
        ((102, 103, 98, 101), FLAT, 101, False),
    ],
    ids=["high may predate", "closed beyond", "closed at it", "stop", "both", "neither"],
)
@BOTH
def test_golden_11_a_limit_entry(
    candle: Candle, reason: int, price: float, side: int, *, ambiguous: bool
) -> None:
    fate = try_order(Ticket("limit"), candle, side=side)

    assert (fate.verdict, fate.entered, fate.entry) == (TRADED, 1, 100)
    assert (fate.reason, fate.exit, fate.ambiguous) == (reason, price, ambiguous)


@BOTH
def test_the_high_before_a_limit_entry_is_no_excursion(side: int) -> None:
    fate = try_order(Ticket("limit"), (102, 104, 98, 101), (101, 101, 100, 100), side=side)

    assert (fate.worst, fate.best) == (98, 101)


@pytest.mark.parametrize(("candle", "entered"), [((99, 100, 98, 99), 1), ((99, 99.9, 98, 99), -1)])
@BOTH
def test_a_stop_order_is_filled_on_touch(candle: Candle, entered: int, side: int) -> None:
    fate = try_order(Ticket("stop"), candle, side=side)

    assert fate.entered == entered
    assert fate.verdict == (TRADED if entered > 0 else NOT_REACHED)


@pytest.mark.parametrize(
    ("low", "through", "verdict"),
    [(100, 1, NOT_REACHED), (99.9, 1, TRADED), (100, 0, TRADED), (100.1, 0, NOT_REACHED)],
)
@BOTH
def test_a_limit_order_needs_price_to_trade_through(
    low: float, through: int, verdict: int, side: int
) -> None:
    rules = FillRules(through=through)

    fate = try_order(Ticket("limit"), (102, 103, low, 102), side=side, rules=rules)

    assert fate.verdict == verdict


@BOTH
def test_a_stop_order_that_is_gapped_over_is_filled_at_the_open(side: int) -> None:
    fate = try_order(Ticket("stop"), (102, 104, 96, 103), side=side, slippage=0.5)

    assert (fate.entry, fate.reason, fate.ambiguous) == (102.5, FLAT, False)


@BOTH
def test_all_of_a_bar_lies_after_a_fill_at_its_open(side: int) -> None:
    stopped = try_order(Ticket("stop"), (102, 104, 94, 103), side=side)
    reached = try_order(Ticket("limit"), (99, 106, 98, 101), side=side)

    assert (stopped.reason, stopped.ambiguous) == (STOPPED, False)
    assert (reached.entry, reached.reason, reached.ambiguous) == (100, AT_TARGET, False)


@BOTH
def test_slippage_is_paid_on_market_and_stop_entries_and_not_on_limits(side: int) -> None:
    entries = [
        try_order(Ticket(kind), candle, side=side, slippage=0.5).entry
        for kind, candle in (
            ("market", (100, 101, 99, 100)),
            ("stop", (99, 101, 98, 100)),
            ("limit", (101, 102, 99, 100)),
        )
    ]

    assert entries == [100.5, 100.5, 100]


@pytest.mark.parametrize(
    ("ticket", "candle", "entry"),
    [
        (Ticket("market"), (100, 101, 99, 100), 102),
        (Ticket("market", -1), (100, 101, 99, 100), 100),
        (Ticket("stop"), (97, 98, 96, 97), 100),
        (Ticket("stop"), (97, 97.9, 96, 97), None),
        (Ticket("stop"), (99, 99.5, 98, 99), 101),
        (Ticket("stop", -1), (101, 102, 100, 101), 100),
        (Ticket("stop", -1), (101, 102, 100.1, 101), None),
        (Ticket("limit"), (102, 103, 97.9, 102), 100),
        (Ticket("limit"), (102, 103, 98, 102), None),
        (Ticket("limit", -1), (98, 100.1, 97, 98), 100),
        (Ticket("limit", -1), (98, 100, 97, 98), None),
    ],
)
def test_a_long_is_entered_at_the_ask_and_a_short_at_the_bid(
    ticket: Ticket, candle: Candle, entry: float | None
) -> None:
    far = Ticket(ticket.kind, ticket.side, 100, 100 - 50 * ticket.side, None)

    (fate,) = send(make_market([CALM, candle], spread=2), far)

    assert (fate.entry if fate.verdict == TRADED else None) == entry


@pytest.mark.parametrize(("expiry", "verdict"), [(2, NOT_REACHED), (3, TRADED)])
def test_an_order_is_live_until_it_expires(expiry: int, verdict: int) -> None:
    ticket = Ticket("stop", price=103, expiry=expiry)
    candles: list[Candle] = [CALM, CALM, (100, 104, 99, 103)]

    assert try_order(ticket, *candles).verdict == verdict


def test_an_order_is_not_live_in_the_bar_at_whose_close_it_is_placed() -> None:
    market = make_market([(100, 110, 90, 100), CALM])

    assert send(market, Ticket("stop", price=105))[0].verdict == NOT_REACHED
    assert send(market, Ticket("limit", price=95))[0].verdict == NOT_REACHED


def test_a_market_order_of_the_last_bar_finds_no_next_bar() -> None:
    assert send(make_market([CALM]), Ticket("market"))[0].verdict == NO_NEXT_BAR


@pytest.mark.parametrize(("offset_ms", "entry"), [(0, 101), (3_600_000, 102)])
def test_the_spread_is_that_of_the_local_hour(offset_ms: int, entry: float) -> None:
    market = make_market([CALM, CALM], spread=[1, 2, 3] * 8, offsets=[offset_ms])

    assert send(market, Ticket("market"))[0].entry == entry
