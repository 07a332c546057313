"""What a market does with an order, row by row of the page on honest simulation."""

from typing import Any

import pytest

from setupdesk.engine.costs import FILL_RULES, FillRules
from setupdesk.engine.fills import (
    AT_TARGET,
    FLAT,
    IN_POSITION,
    NO_NEXT_BAR,
    NOT_REACHED,
    OCO_CANCELLED,
    RUN_LIMIT,
    SESSION_LIMIT,
    SIDE_LIMIT,
    SIZE_BELOW_MIN,
    STOPPED,
    TRADED,
    Account,
    Caps,
)
from tests.engine.desk import (
    ACCOUNT,
    CALM,
    QUARTER_MS,
    Candle,
    Fate,
    Ticket,
    hold,
    make_market,
    mirror,
    send,
)

MINUTE_MS = 60_000
BOTH = pytest.mark.parametrize("side", [1, -1], ids=["long", "short"])
UP = Ticket("stop", 1, price=104, stop=98, target=None, group=0)
DOWN = Ticket("stop", -1, price=96, stop=102, target=None, group=0)


def try_order(ticket: Ticket, *candles: Candle, side: int = 1, **how: Any) -> Fate:
    """Send one order before the first of the candles; shorts mirrored, and mirrored back."""
    fine = how.pop("fine", None) or {}
    if side < 0:
        ticket, candles = ticket.mirrored(), tuple(map(mirror, candles))
        fine = {row: list(map(mirror, some)) for row, some in fine.items()}
    (fate,) = send(make_market([CALM, *candles], fine=fine, **how), ticket)
    return fate if side > 0 else fate.mirrored()


# A held position.


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


# Entries inside a bar.


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


# What came first: finer bars.


@BOTH
def test_golden_11_minutes_settle_what_a_bar_leaves_open(side: int) -> None:
    bar: Candle = (100, 106, 94, 101)
    minutes: list[Candle] = [(100, 103, 99, 102), (102, 106, 101, 105), (105, 105, 94, 101)]

    known = try_order(Ticket("market"), CALM, bar, side=side, fine={2: minutes})
    unknown = try_order(Ticket("market"), CALM, bar, side=side)

    assert (known.reason, known.exit) == (AT_TARGET, 105)
    assert (known.ambiguous, known.resolved) == (True, True)
    assert known.at == 2 * QUARTER_MS + MINUTE_MS
    assert (unknown.reason, unknown.exit) == (STOPPED, 95)
    assert (unknown.ambiguous, unknown.resolved) == (True, False)


@pytest.mark.parametrize(
    "minutes",
    [
        [(100, 106, 94, 101)],
        [(100, 104, 96, 100), (100, 106, 94, 101)],
        [(100, 106, 99, 101)],
        [(100, 101, 94, 100)],
        [(100, 104, 96, 100)],
    ],
    ids=[
        "both in one minute",
        "both in a later minute",
        "the minute of the stop is missing",
        "the minute of the target is missing",
        "both minutes are missing",
    ],
)
@BOTH
def test_what_minutes_leave_open_too_is_a_loss(minutes: list[Candle], side: int) -> None:
    fate = try_order(Ticket("market"), CALM, (100, 106, 94, 101), side=side, fine={2: minutes})

    assert (fate.reason, fate.exit) == (STOPPED, 95)
    assert (fate.ambiguous, fate.resolved) == (True, False)
    assert (fate.worst_case, fate.best_case) == (95, 105)


@pytest.mark.parametrize(
    ("minutes", "reason", "resolved"),
    [
        ([(99, 99.5, 94, 98), (98, 103, 98, 102)], FLAT, True),
        ([(99, 101, 98, 100), (100, 103, 94, 102)], STOPPED, True),
        ([(99, 103, 94, 102)], STOPPED, False),
        ([(99, 99.9, 98, 99), (100, 103, 94, 102)], STOPPED, True),
        ([(99, 101, 98, 100)], STOPPED, False),
        ([(99, 99, 94, 98)], STOPPED, False),
    ],
    ids=[
        "before the fill",
        "after it",
        "in its minute",
        "in the minute that opens at it",
        "the minute of the low is missing",
        "the minute of the fill is missing",
    ],
)
@BOTH
def test_minutes_tell_whether_a_stop_order_was_stopped_after_its_fill(
    minutes: list[Candle], reason: int, side: int, *, resolved: bool
) -> None:
    bar: Candle = (99, 103, 94, 102)

    fate = try_order(Ticket("stop"), bar, side=side, fine={1: minutes})

    assert (fate.reason, fate.ambiguous, fate.resolved) == (reason, True, resolved)


@pytest.mark.parametrize(
    ("minutes", "reason", "resolved"),
    [
        ([(102, 106, 101, 102), (102, 102, 98, 101)], FLAT, True),
        ([(102, 102, 98, 101), (101, 106, 100, 101)], AT_TARGET, True),
        ([(102, 106, 98, 101)], FLAT, False),
        ([(102, 102, 100, 101), (99, 106, 98, 101)], AT_TARGET, True),
        ([(102, 103, 98, 101)], FLAT, False),
    ],
    ids=[
        "before the fill",
        "after it",
        "in its minute",
        "in the minute that opens beyond it",
        "the minute of the high is missing",
    ],
)
@BOTH
def test_minutes_tell_whether_a_limit_order_reached_its_target_after_its_fill(
    minutes: list[Candle], reason: int, side: int, *, resolved: bool
) -> None:
    fate = try_order(Ticket("limit"), (102, 106, 98, 101), side=side, fine={1: minutes})

    assert (fate.reason, fate.ambiguous, fate.resolved) == (reason, True, resolved)


def test_a_short_is_followed_by_the_ask_through_the_minutes() -> None:
    minutes: list[Candle] = [(100, 103, 99, 100), (100, 101, 93, 94)]
    market = make_market([CALM, (100, 103, 93, 94)], spread=2, fine={1: minutes})

    (fate,) = send(market, Ticket("market", -1, stop=105, target=95))

    assert (fate.reason, fate.exit, fate.resolved) == (STOPPED, 105, True)


def test_minutes_do_not_speak_where_the_bar_is_clear() -> None:
    fate = try_order(Ticket("market"), CALM, (100, 106, 99, 101), fine={2: [(100, 101, 94, 99)]})

    assert (fate.reason, fate.ambiguous, fate.resolved) == (AT_TARGET, False, False)


@BOTH
def test_the_three_views_of_a_trade_are_in_order(side: int) -> None:
    # Held on past the stop that may have been first, it loses more than the stop would have.
    fate = try_order(Ticket("stop"), (99, 103, 94, 102), (90, 91, 89, 90), side=side)

    assert (fate.reason, fate.exit) == (STOPPED, 95)
    assert (fate.worst_case, fate.best_case) == (90, 95)


@BOTH
def test_an_unclear_target_shows_in_the_best_case_only(side: int) -> None:
    fate = try_order(Ticket("limit"), (102, 106, 98, 101), (101, 102, 96, 97), side=side)

    assert (fate.reason, fate.exit) == (FLAT, 97)
    assert (fate.worst_case, fate.best_case) == (97, 105)


# Several orders.


@pytest.mark.parametrize(
    ("candle", "verdicts"),
    [
        ((100, 104, 99, 103), [TRADED, OCO_CANCELLED]),
        ((100, 101, 96, 97), [OCO_CANCELLED, TRADED]),
        ((100, 103.9, 96.1, 100), [NOT_REACHED, NOT_REACHED]),
    ],
)
def test_the_first_order_to_be_filled_cancels_the_other(
    candle: Candle, verdicts: list[int]
) -> None:
    fates = send(make_market([CALM, candle]), UP, DOWN)

    assert [one.verdict for one in fates] == verdicts


def test_an_order_that_is_cancelled_is_not_filled_later() -> None:
    market = make_market([CALM, (100, 104, 99, 103), (103, 104, 95, 96)])

    up, down = send(market, UP, DOWN)

    assert (up.reason, up.exit) == (STOPPED, 98)
    assert down.verdict == OCO_CANCELLED


@pytest.mark.parametrize(
    ("opened", "first"), [(101, 0), (99, 1)], ids=["nearer to the high", "nearer to the low"]
)
def test_of_two_orders_in_one_bar_the_one_nearer_to_the_open_is_filled_and_loses(
    opened: float, first: int
) -> None:
    market = make_market([CALM, (opened, 105, 95, 100)])

    fates = send(market, UP, DOWN)

    assert fates[first].verdict == TRADED
    assert (fates[first].reason, fates[first].ambiguous) == (STOPPED, True)
    assert fates[1 - first].verdict == OCO_CANCELLED


def test_how_near_an_order_is_is_measured_at_the_price_that_fills_it() -> None:
    # The ask opens at 102, two below the one; the bid at 100, three above the other.
    up, down = send(
        make_market([CALM, (100, 105, 96, 100)], spread=2),
        UP,
        Ticket("stop", -1, price=97, stop=105, target=None, group=0),
    )

    assert (up.verdict, down.verdict) == (TRADED, OCO_CANCELLED)


@pytest.mark.parametrize(
    "minutes",
    [
        [(101, 101, 95, 96), (96, 105, 96, 100)],
        [(101, 102, 99, 99), (99, 105, 95, 100)],
    ],
    ids=["by the minute", "in one minute, by its open"],
)
def test_of_two_orders_in_one_bar_minutes_tell_which_was_first(minutes: list[Candle]) -> None:
    market = make_market([CALM, (101, 105, 95, 100)], fine={1: minutes})

    up, down = send(market, UP, DOWN)

    assert (up.verdict, down.verdict) == (OCO_CANCELLED, TRADED)


def test_orders_of_two_sessions_do_not_cancel_one_another() -> None:
    market = make_market([CALM, (100, 104, 99, 104), CALM, (100, 100, 96, 96)], offsets=[0, 0])
    later = Ticket("stop", -1, price=96, stop=102, target=None, known=2, session=1, group=1)

    fates = send(market, Ticket("stop", price=104, stop=98, target=None, last=1, group=0), later)

    assert [one.verdict for one in fates] == [TRADED, TRADED]


def test_an_order_that_would_be_filled_while_a_trade_is_open_is_refused() -> None:
    market = make_market([CALM, CALM, (100, 102, 99, 101), CALM])

    fates = send(market, Ticket("market"), Ticket("stop", price=101), Ticket("market", known=1))

    assert [one.verdict for one in fates] == [TRADED, IN_POSITION, IN_POSITION]


def test_a_trade_may_follow_in_the_bar_after_the_one_that_stopped_the_last() -> None:
    market = make_market([CALM, (100, 101, 94, 95), CALM])

    fates = send(market, Ticket("market"), Ticket("market", known=1), Ticket("market", known=0))

    assert [one.verdict for one in fates] == [TRADED, TRADED, IN_POSITION]


def test_an_order_of_the_next_day_may_be_filled_at_the_open_after_a_flat_exit() -> None:
    market = make_market([CALM, CALM, (105, 106, 104, 105)], offsets=[0, 0])
    next_day = Ticket("stop", price=104, stop=98, target=None, known=1, session=1)

    flat, gapped = send(market, Ticket("market", last=1), next_day)

    assert (flat.reason, flat.row) == (FLAT, 1)
    assert (gapped.verdict, gapped.entered) == (TRADED, 2)


def test_what_triggers_at_the_close_of_a_flat_exit_is_in_position() -> None:
    market = make_market([CALM, CALM])

    fates = send(market, Ticket("market"), Ticket("market", known=1))

    assert [one.verdict for one in fates] == [TRADED, IN_POSITION]


@pytest.mark.parametrize(
    ("caps", "verdicts"),
    [
        (Caps(1, 9, 9), [TRADED, SESSION_LIMIT, SESSION_LIMIT, TRADED]),
        (Caps(9, 1, 9), [TRADED, SIDE_LIMIT, TRADED, TRADED]),
        (Caps(9, 9, 2), [TRADED, TRADED, RUN_LIMIT, RUN_LIMIT]),
        (Caps(2, 1, 2), [TRADED, SIDE_LIMIT, TRADED, RUN_LIMIT]),
    ],
)
def test_only_fills_use_up_the_limits(caps: Caps, verdicts: list[int]) -> None:
    market = make_market([CALM] * 9, offsets=[0, 0])
    tickets = [
        Ticket(
            "market", side, stop=100 - 5 * side, target=None, known=row, last=row + 1, session=of
        )
        for side, row, of in ((1, 0, 0), (1, 2, 0), (-1, 4, 0), (1, 6, 1))
    ]

    assert [one.verdict for one in send(market, *tickets, caps=caps)] == verdicts


def test_an_order_that_is_never_filled_uses_up_no_limit() -> None:
    market = make_market([CALM, CALM, (100, 104, 99, 104)])

    never, filled = send(
        market, Ticket("limit", price=50), Ticket("stop", price=104, stop=98), caps=Caps(1, 1, 1)
    )

    assert (never.verdict, filled.verdict) == (NOT_REACHED, TRADED)


# Sizes, money and what holding costs.


@pytest.mark.parametrize(
    ("account", "stop", "lots"),
    [
        (Account(10_000, 0.01, 0.1, 0.01, 0.01, 1_000, 0, 0, 0), 95, 20.0),
        (Account(10_000, 0.01, 0.1, 0.01, 0.01, 1_000, 0, 0, 0), 97, 33.33),
        (Account(10_000, 0.01, 0.1, 0.5, 0.5, 1_000, 0, 0, 0), 97, 33.0),
        (Account(10_000, 0.02, 0.1, 1.0, 1.0, 1_000, 0, 0, 0), 97, 66.0),
        (Account(10_000, 0.01, 2.5, 0.01, 0.01, 1_000, 0, 0, 0), 95, 0.8),
        (Account(10_000, 0.01, 0.1, 0.01, 0.01, 5, 0, 0, 0), 95, 5.0),
        (Account(3_000, 0.01, 0.1, 0.1, 0.1, 1_000, 0, 0, 0), 99, 30.0),
    ],
    ids=["plain", "rounded down", "steps", "risk", "point value", "the largest", "no noise"],
)
def test_a_trade_risks_its_share_of_the_account(account: Account, stop: float, lots: float) -> None:
    market = make_market([CALM, CALM])

    (fate,) = send(market, Ticket("market", stop=stop), account=account)

    assert fate.lots == pytest.approx(lots)


def test_what_is_smaller_than_the_smallest_lot_is_not_traded_and_uses_up_no_limit() -> None:
    account = Account(1_000, 0.01, 0.1, 0.1, 2.0, 1_000, 0, 0, 0)
    market = make_market([CALM] * 5)
    wide, narrow = Ticket("market", stop=94), Ticket("market", stop=95, known=1)

    fates = send(market, wide, narrow, caps=Caps(1, 1, 1), account=account)

    assert [one.verdict for one in fates] == [SIZE_BELOW_MIN, TRADED]
    assert fates[1].lots == pytest.approx(2.0)


def test_the_size_is_that_of_what_closed_trades_have_left() -> None:
    # 20 lots lose 5 points, 100 of 10,000; the next risks 99 over 5 points, and so on.
    losing: Candle = (100, 101, 94, 95)
    market = make_market([CALM, losing, losing, losing])
    tickets = [Ticket("market", known=row) for row in range(3)]

    lots = [one.lots for one in send(market, *tickets)]

    assert lots == pytest.approx([20.0, 19.8, 19.6])


def test_commission_and_swap_are_taken_from_the_account() -> None:
    # 2 points of commission and 1 of swap a roll, so a stop of 5 points costs 8 a lot.
    account = ACCOUNT._replace(commission=20.0, swap_long=-10.0)
    market = make_market([CALM, CALM, (100, 101, 94, 95), CALM], rolls=[2 * QUARTER_MS])

    first, second = send(market, Ticket("market"), Ticket("market", known=2), account=account)

    assert first.held_over == 1
    assert second.lots == pytest.approx((10_000 - 20 * 8) * 0.01 // 0.05 / 100)


def test_a_ruined_account_trades_no_more() -> None:
    # All is risked to the stop at 95, and the gap to 90 takes it twice.
    account = ACCOUNT._replace(risk=1.0)
    market = make_market([CALM, CALM, (90, 91, 89, 90), CALM, CALM])

    ruinous, next_one = send(market, Ticket("market"), Ticket("market", known=3), account=account)

    assert (ruinous.reason, ruinous.exit) == (STOPPED, 90)
    assert next_one.verdict == SIZE_BELOW_MIN


@pytest.mark.parametrize(
    ("roll", "rolls"), [(1, 0), (2, 1), (3, 1), (4, 0)], ids=["entry", "inside", "exit", "after"]
)
def test_a_roll_counts_if_the_trade_was_open_then(roll: int, rolls: int) -> None:
    market = make_market([CALM, CALM, CALM, (100, 101, 94, 95), CALM], rolls=[roll * QUARTER_MS])

    (fate,) = send(market, Ticket("market"))

    assert (fate.row, fate.held_over) == (3, rolls)


def test_a_flat_exit_at_the_very_roll_is_not_held_over_it() -> None:
    market = make_market([CALM, CALM, CALM], rolls=[2 * QUARTER_MS])

    (fate,) = send(market, Ticket("market", last=1))

    assert (fate.reason, fate.held_over) == (FLAT, 0)
