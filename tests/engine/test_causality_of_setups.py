"""Every setup that ships, on beginnings of a market: later bars change nothing that was known."""

import numpy as np
import pytest

from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.causality import Causality, Whole, check_causality, find_change
from setupdesk.setups.rule import Rule
from tests.engine.markets import EARLIER, RULES, WARM_UP, Market, draw_market, of_every_rule
from tests.engine.real_bars import read_market


def examine(rule: Rule, timeframe: Timeframe, market: Market, prefixes: int) -> Causality:
    run = market.run(rule, market.minutes)
    return check_causality(run, market.bars(timeframe), market.sessions, prefixes=prefixes)


@of_every_rule
def test_no_later_bar_changes_what_a_setup_knew(rule: Rule) -> None:
    found = examine(rule, Timeframe.M5, draw_market(), prefixes=64)

    assert found.first is None, found.sentence
    assert found.prefixes >= 60
    assert found.trades > 8


@pytest.mark.faults
@pytest.mark.parametrize(
    ("rule", "timeframe"),
    [(rule, timeframe) for rule in RULES for timeframe in rule.default.timeframes],
    ids=lambda one: one.id if isinstance(one, Rule) else str(one),
)
def test_no_later_bar_changes_what_a_setup_knew_long(rule: Rule, timeframe: Timeframe) -> None:
    found = examine(rule, timeframe, draw_market(80, seed=8), prefixes=620)
    print(f"\n{rule.id} {found.sentence}")  # noqa: T201 - the counts are the proof

    assert found.first is None, found.sentence
    assert found.prefixes >= 500


@pytest.mark.parametrize(
    "rule",
    [rule for rule in RULES if Timeframe.M15 in rule.default.timeframes],
    ids=lambda rule: rule.id,
)
def test_no_later_bar_changes_what_a_setup_knew_of_the_dax(rule: Rule) -> None:
    market = read_market("GER40_M15_forexcom", last=200 * 92, warm_up=WARM_UP, earlier=EARLIER)

    found = check_causality(market.run(rule, None), market.minutes, market.sessions, prefixes=64)

    assert found.first is None, found.sentence
    assert found.candidates > 8


@of_every_rule
def test_every_bar_of_a_day_leaves_what_was_known(rule: Rule) -> None:
    # Bar by bar from the evening before a session to the evening after it.
    timeframe = rule.default.timeframes[-1]
    market = draw_market(6)
    bars, run = market.bars(timeframe), market.run(rule, market.minutes)
    whole = Whole.of(run(bars, market.sessions), bars, market.sessions)
    day = market.sessions[3]
    first, stop = np.searchsorted(
        bars.time, [day.opens_ms - 12 * 3_600_000, day.closes_ms + 3 * 3_600_000]
    )

    changes = [
        find_change(run, whole, bars, market.sessions, rows)
        for rows in range(int(first), int(stop), 1 if timeframe is not Timeframe.M5 else 3)
    ]

    assert set(changes) == {None}
