"""Every setup that ships, on five hundred beginnings of each real market that lies at hand."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.causality import check_causality
from setupdesk.market.resample import resample
from setupdesk.setups.rule import Rule, read_rule
from tests.engine.markets import EARLIER, RULES, WARM_UP, Market, peeking
from tests.engine.real_bars import read_market

DAX = "GER40_M15_forexcom"
MARKETS = {
    DAX: (Timeframe.M15, Timeframe.H1),
    "US500_M1_dukascopy202605": (Timeframe.M1, Timeframe.M5),
    "EURUSD_M1_dukascopy202605": (Timeframe.M1, Timeframe.M5),
}
"""Files, and what is made of each. Those of minutes are of three weeks: the warm-up is short."""

DAX_BARS = 200 * 92
EVERY = 10**6
PREFIXES = 660
"""Some are drawn twice."""

SHORT_WARM_UP = 3
SHORT_ATR = 2
"""Days, of the files of minutes."""


def find_cases() -> Iterator[Any]:
    for rule, (file, timeframes) in product(RULES, MARKETS.items()):
        if has_windows(rule, file):
            yield from (
                name_case(rule, one, file) for one in rule.default.timeframes if one in timeframes
            )


def has_windows(rule: Rule, file: str) -> bool:
    """Say whether the symbol has what the rule measures: a currency has no opening minutes."""
    return set(rule.default.windows) <= set(load_catalogue()[file.partition("_")[0]].windows)


def name_case(rule: Rule, timeframe: Timeframe, file: str) -> Any:
    words = [rule.id, str(timeframe), file.partition("_")[0]]
    if needs_volume(rule):
        words.append("with a volume of one a bar")
    return pytest.param(rule, timeframe, file, id="-".join(words))


def open_market(file: str) -> Market:
    if file == DAX:
        return read_market(file, last=DAX_BARS, warm_up=WARM_UP, earlier=EARLIER)
    return read_market(file, last=EVERY, warm_up=SHORT_WARM_UP, earlier=SHORT_WARM_UP)


def needs_volume(rule: Rule) -> bool:
    return any(level["kind"] == "vwap" for level in rule.raw["levels"].values())


def with_short_daily_atr(rule: Rule) -> Rule:
    levels = {
        name: {**level, "length": SHORT_ATR} if is_daily_atr(level) else level
        for name, level in rule.raw["levels"].items()
    }
    return read_rule("shortened", {**rule.raw, "levels": levels})


def is_daily_atr(level: dict[str, Any]) -> bool:
    return (level["kind"], level.get("timeframe")) == ("atr", "D1")


@pytest.mark.faults
@pytest.mark.parametrize(("rule", "timeframe", "file"), list(find_cases()))
def test_no_later_bar_changes_what_a_setup_knew_of_a_real_market(
    rule: Rule, timeframe: Timeframe, file: str
) -> None:
    market = open_market(file)
    rule = rule if file == DAX else with_short_daily_atr(rule)
    fine = market.minutes if timeframe is Timeframe.M5 else None
    bars = resample(market.minutes, timeframe, market.symbol.week, market.symbol.roll).closed()
    if needs_volume(rule):
        bars = replace(bars, volume=np.ones(len(bars)))
    run = market.run(rule, fine)
    found = check_causality(run, bars, market.sessions, prefixes=PREFIXES)
    planted = check_causality(peeking(run), bars, market.sessions, prefixes=PREFIXES)
    seen = "not seen" if planted.passed else "caught"
    print(  # noqa: T201 - the counts are the proof
        f"\n{rule.id} {file} {found.sentence} A planted look-ahead is {seen}."
    )

    assert found.first is None, found.sentence
    assert found.prefixes >= 500
    assert found.candidates > 0, "nothing was looked at"
    # A rule that never trades may have nothing but levels that were settled bars ago.
    assert found.trades == 0 or not planted.passed, "a look-ahead would not be seen here"
