"""What becomes of several orders: siblings, open trades, limits, sizes and nights."""

import pytest

from setupdesk.engine.tickets import (
    FLAT,
    IN_POSITION,
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
    Ticket,
    make_market,
    send,
)

UP = Ticket("stop", 1, price=104, stop=98, target=None, group=0)
DOWN = Ticket("stop", -1, price=96, stop=102, target=None, group=0)


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
