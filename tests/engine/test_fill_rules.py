from collections.abc import Callable

import pytest

from setupdesk.engine.costs import FILL_RULES, Means
from setupdesk.engine.result import Result
from setupdesk.market.bars import Bars
from setupdesk.setups.rule import Rule

Candle = tuple[float, float, float, float]
RAID_OF_HIGH: list[Candle] = [
    (24000, 24045, 23995, 24040),
    (24040, 24072, 24035, 24066),
    (24066, 24080, 24050, 24052),
    (24052, 24054, 24020, 24025),
]
BEYOND_TARGET_AND_BACK_TO_STOP: Candle = (23950, 24090, 23940, 24000)


@pytest.mark.parametrize(
    ("rules", "exit_price"), [("setupdesk", 23980.0), ("backtesting.py", 24084.5)]
)
def test_rules_differ_where_a_bar_opens_beyond_the_target_and_comes_back_to_the_stop(
    raid: Rule,
    draw_day: Callable[..., Bars],
    run_day: Callable[..., Result],
    rules: str,
    exit_price: float,
) -> None:
    bars = draw_day([*RAID_OF_HIGH, BEYOND_TARGET_AND_BACK_TO_STOP])

    (trade,) = run_day(raid.default, bars, means=Means(rules=FILL_RULES[rules])).trades

    assert (trade.target, trade.stop) == (23980.0, 24084.0)
    assert trade.exit == exit_price
