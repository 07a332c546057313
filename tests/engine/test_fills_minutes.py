"""What came first in a bar: minutes settle it where they can."""

import pytest

from setupdesk.engine.tickets import AT_TARGET, FLAT, STOPPED
from tests.engine.desk import (
    BOTH,
    CALM,
    QUARTER_MS,
    Candle,
    Ticket,
    make_market,
    send,
    try_order,
)

MINUTE_MS = 60_000


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
