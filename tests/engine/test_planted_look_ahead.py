"""A look-ahead of one bar, planted in every setup that ships, is caught in each."""

import pytest

from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.causality import Whole, check_causality, find_change
from setupdesk.engine.gate import find_warm_up, make_run
from setupdesk.engine.null_test import check_null, null_symbol
from setupdesk.setups.rule import Rule
from tests.engine.markets import draw_market, of_every_rule, peeking

UNPAID = frozenset(
    (
        *("FVG_BOS_v1", "Silver_bullet_v1"),
        *("London_breakout_v1", "NR7_inside_v1", "ORB15_break_v1"),
        "Gap_fill_v1",
    )
)
"""To know the next bar earns these nothing: orders that wait are filled at a price named before,
and the side of a gap is that of the open, which is not moved."""


@of_every_rule
def test_a_planted_look_ahead_is_caught_and_the_honest_run_is_not(rule: Rule) -> None:
    market = draw_market()
    bars, sessions = market.bars(Timeframe.M5), market.sessions
    honest = market.run(rule, None)

    found = check_causality(peeking(honest), bars, sessions, prefixes=64)

    assert found.first is not None, f"{rule.id}: {found.sentence}"
    whole = Whole.of(honest(bars, sessions), bars, sessions)
    assert find_change(honest, whole, bars, sessions, found.first.row + 1) is None


@pytest.mark.faults
@of_every_rule
def test_the_null_test_refuses_a_planted_look_ahead_where_it_pays(rule: Rule) -> None:
    setup, symbol = rule.default, draw_market().symbol
    run = peeking(make_run(setup, null_symbol(symbol)))

    found = check_null(run, symbol, Timeframe.M5, find_warm_up(setup))
    print(f"\n{rule.id} {found.sentence}")  # noqa: T201 - the figures are the proof

    assert found.verdict == ("passed" if rule.id in UNPAID else "failed"), found.sentence
