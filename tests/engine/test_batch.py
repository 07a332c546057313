from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import product
from typing import Any

import numpy as np
import pytest

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.batch import History, Row, Variant, run_batch
from setupdesk.engine.costs import FILL_RULES, Means
from setupdesk.engine.sharpe import weigh_luck
from setupdesk.engine.statistics import summarize_trades
from setupdesk.market.resample import resample
from setupdesk.market.sessions import Session, find_instants
from setupdesk.market.synthetic import simulate_bars
from setupdesk.setups.registry import load_registry
from setupdesk.setups.rule import Rule

MakeHistory = Callable[..., History]


@pytest.fixture(scope="module")
def rule() -> Rule:
    found = load_registry().find("IB_raid_v1")
    assert found is not None
    return found


@pytest.fixture
def make_history(make_symbol: Callable[..., Symbol]) -> MakeHistory:
    def make(seed: int = 1, **terms: Any) -> History:
        symbol = make_symbol(**terms)
        fine = simulate_bars(symbol, date(2024, 9, 2), date(2025, 1, 31), seed)
        days = [date(2024, 10, 1) + timedelta(days=count) for count in range(123)]
        weekdays = [Session(day, 0, 0) for day in days if day.weekday() < 5]
        opens, closes = find_instants(symbol.session, weekdays)
        sessions = [
            Session(one.day, int(opens[row]), int(closes[row])) for row, one in enumerate(weekdays)
        ]
        bars = resample(fine, Timeframe.M15, symbol.week)
        return History(symbol=symbol, bars=bars, sessions=sessions, fine=fine)

    return make


def assert_as_if_alone(
    rows: Sequence[Row], histories: Sequence[History], variants: Sequence[Variant]
) -> None:
    pairs = product(histories, enumerate(variants))
    for row, (history, (place, variant)) in zip(rows, pairs, strict=True):
        assert (row.symbol, row.variant) == (history.symbol.name, place)
        assert row.brief == summarize_trades(variant.run(history).trades)


def test_a_hundred_variants_give_what_each_gives_alone(
    rule: Rule, make_history: MakeHistory
) -> None:
    history = make_history()
    variants = [
        Variant(setup=rule.resolve({"stop_buffer": buffer / 100}, 1 + rr / 2, None))
        for rr, buffer in product(range(10), range(10))
    ]

    rows = run_batch([history], variants)

    assert_as_if_alone(rows, [history], variants)
    assert len({row.brief.total_r for row in rows}) > 90


def test_variants_may_differ_in_anything(rule: Rule, make_history: MakeHistory) -> None:
    histories = [make_history(1), make_history(2, spread=0.0, slippage=0.0)]
    breakout = load_registry().find("IB_breakout_v1")
    assert breakout is not None
    variants = [
        Variant(setup=rule.default),
        Variant(setup=rule.resolve({"reclaim_within": "90m"}, None, 3)),
        Variant(setup=breakout.default),
        Variant(setup=rule.default, max_trades_total=5),
        Variant(setup=rule.default, means=Means(account=500.0, risk_percent=0.5)),
        Variant(setup=rule.default, means=Means(rules=FILL_RULES["backtesting.py"])),
        Variant(setup=rule.resolve({"min_rr": 2.0, "target": "mid"}, None, None)),
    ]

    rows = run_batch(histories, variants)

    assert_as_if_alone(rows, histories, variants)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_rows_do_not_depend_on_how_many_workers_there_are(
    rule: Rule, make_history: MakeHistory, workers: int
) -> None:
    history = make_history()
    variants = [Variant(setup=rule.resolve({}, rr, None)) for rr in (1.0, 2.0, 3.0)]

    rows = run_batch([history], variants, workers)

    alone = [run_batch([history], [variant])[0].brief for variant in variants]
    assert [row.brief for row in rows] == alone


def test_the_deflated_figure_allows_for_all_that_was_tried(
    rule: Rule, make_history: MakeHistory
) -> None:
    history = make_history()
    variants = [Variant(setup=rule.resolve({}, rr, None)) for rr in (1.0, 2.0, 3.0, 4.0)]

    rows = run_batch([history], variants)

    columns = [row.find_result().trades.r for row in rows]
    variance = float(np.var([r.mean() / r.std(ddof=1) for r in columns], ddof=1))
    alone = [weigh_luck(r, 4, variance) for r in columns]
    assert [row.luck.variants for row in rows] == [4] * 4
    assert [row.luck.deflated_sharpe for row in rows] == pytest.approx(
        [one.deflated_sharpe for one in alone]
    )


def test_nothing_is_given_for_nothing(rule: Rule, make_history: MakeHistory) -> None:
    assert run_batch([], [Variant(setup=rule.default)]) == ()
    assert run_batch([make_history()], []) == ()
