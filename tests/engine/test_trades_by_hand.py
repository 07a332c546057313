"""One trade of every setup that ships, as drawn, moved and in the mirror."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.costs import Means
from setupdesk.engine.result import Trade
from tests.engine.examples import EXAMPLES, REGISTRY, Example, change, run_with
from tests.engine.tape import (
    Story,
    Tape,
    later,
    local,
    verdicts,
)

FLIPPED = {"long": "short", "short": "long"}

in_every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.rule)


def test_there_is_an_example_of_every_setup() -> None:
    assert {one.rule for one in EXAMPLES} == {rule.id for rule in REGISTRY}


@pytest.mark.parametrize(
    "move",
    [
        lambda tape: tape,
        lambda tape: replace(tape, shift=123.4),
        lambda tape: replace(tape, shift=-9_000.7),
        lambda tape: later(tape, 3),
        lambda tape: replace(tape, mirrored=True),
    ],
    ids=["as drawn", "dearer", "cheaper", "weeks later", "mirrored"],
)
@in_every_example
def test_a_trade_is_as_computed_by_hand(example: Example, move: Callable[[Tape], Tape]) -> None:
    tape = move(example.tape)

    (trade,) = tape.run(example.setup).trades

    times = [local(one, tape.symbol) for one in (trade.signal_at, trade.entry_at, trade.exit_at)]
    target = None if example.target is None else tape.price(example.target)
    assert trade.side == (FLIPPED[example.side] if tape.mirrored else example.side)
    assert times == [example.signal, example.entry_at, example.exit_at]
    assert (trade.entry, trade.stop) == (tape.price(example.entry), tape.price(example.stop))
    assert (trade.target, trade.exit) == (target, tape.price(example.exit))
    assert (trade.exit_reason, trade.ambiguous) == (example.reason, False)
    assert trade.r == pytest.approx(example.r)
    assert trade.costs_r == 0
    assert tape.mirrored or trade.level == example.level


def run_dearly(**costs: Any) -> Trade:
    example = EXAMPLES[6]
    symbol = example.tape.symbol
    dear = replace(symbol, costs=replace(symbol.costs, **costs))
    (trade,) = replace(example.tape, symbol=dear).run(example.setup).trades
    return trade


def test_commission_is_paid_in_r_on_both_sides() -> None:
    # The short of 24090 risks 26 points; 1.3 money for each point, lot and side.
    trade = run_dearly(commission=1.3)

    assert trade.r == pytest.approx(2 - 2.6 / 26)
    assert trade.costs_r == pytest.approx(2.6 / 26)


def test_swap_is_not_paid_within_the_day() -> None:
    assert run_dearly(swap_short=-5.0).r == pytest.approx(2)


def test_slippage_and_spread_are_in_the_prices_and_counted_as_costs() -> None:
    trade = run_dearly(slippage=0.4)

    assert (trade.entry, trade.stop) == (24_089.6, 24_116)
    assert trade.target == 24_036.8
    assert trade.costs_r == pytest.approx(0.4 / 26.4)


def test_swap_is_paid_for_a_night() -> None:
    # Bought at 16:30 and held over 17:00 New York, until the last bar before 22:00 of the roll.
    setup = change("ORB30_break_v1", exit={"flat": "20:00 America/New_York"})
    story: Story = {
        "09:00": (24_000, 24_010, 23_990, 24_000),
        "09:30": (24_000, 24_020, 24_000, 24_015),
    }
    tape = Tape(story, Timeframe.M15, days={})
    costs = replace(tape.symbol.costs, swap_long=-2.5)
    tape = replace(tape, symbol=replace(tape.symbol, costs=costs))
    *earlier, night, _ = tape.sessions
    held = replace(tape, days={night.day: story}, story={})

    (trade,) = run_with(held, setup, earlier, session=night).trades

    assert trade.exit_reason == "flat"
    assert trade.r == pytest.approx(-2.5 / 25)
    assert trade.costs_r == pytest.approx(2.5 / 25)


@pytest.mark.parametrize(
    ("means", "lots"),
    [
        (Means(), 3.84),
        (Means(account=20_000), 7.69),
        (Means(risk_percent=0.5), 1.92),
        (Means(account=1), None),
    ],
)
def test_a_request_says_what_is_traded_with(means: Means, lots: float | None) -> None:
    # 1 % of 10,000 over 26 points.
    example = EXAMPLES[6]

    result = example.tape.run(example.setup, means=means)

    assert [one.lots for one in result.trades] == pytest.approx([] if lots is None else [lots])
    assert verdicts(result) == ["size_below_min" if lots is None else "traded"]
