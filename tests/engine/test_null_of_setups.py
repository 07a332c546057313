"""No setup that ships wins on a market without drift and without costs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import cache

import numpy as np
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.costs import without_costs
from setupdesk.market.bars import Bars
from setupdesk.market.resample import resample
from setupdesk.setups.rule import Rule
from tests.engine.markets import (
    EARLIER,
    RULES,
    WARM_UP,
    Market,
    find_weekdays,
    hold_sessions,
    of_every_rule,
)

MINUTES = 1440
STEPS = 32
"""Ticks that price moves within a minute, one by one: every price between two is traded."""

PRICE = 200_000
QUICK = 240
"""Sessions of one market."""


@dataclass(frozen=True)
class Earned:
    trades: int
    mean: float
    error: float


@cache
def draw_walk(seed: int, sessions: int = QUICK) -> Market:
    """All 24 hours of every weekday, as many steps up as down, a volume of one each minute."""
    symbol = without_costs(load_catalogue()["GER40"])
    days = find_weekdays(WARM_UP + sessions)
    random = np.random.default_rng((11, seed))
    ups = random.integers(0, 2, size=(len(days) * MINUTES, STEPS), dtype=np.int8)
    ends = PRICE + np.cumsum(ups * np.int8(2) - np.int8(1), dtype=np.int64).reshape(-1, STEPS)
    path = np.column_stack((np.append(PRICE, ends[:-1, -1]), ends))
    midnights = [int(datetime.combine(day, time(), UTC).timestamp()) * 1000 for day in days]
    minutes = Bars(
        Timeframe.M1,
        symbol.tick,
        (np.array(midnights)[:, None] + np.arange(MINUTES) * 60_000).reshape(-1),
        path[:, 0],
        path.max(axis=1),
        path.min(axis=1),
        path[:, -1],
        np.ones(len(path)),
    )
    held = hold_sessions(symbol, days)
    return Market(symbol, minutes, held[WARM_UP:], held[WARM_UP - EARLIER : WARM_UP])


def earn(rule: Rule, timeframe: Timeframe, seeds: range) -> Earned:
    found = np.concatenate(list(_trade(rule, timeframe, seeds)))
    error = found.std(ddof=1) / np.sqrt(len(found)) if len(found) > 1 else np.nan
    return Earned(len(found), float(found.mean()), float(error))


def _trade(rule: Rule, timeframe: Timeframe, seeds: range) -> Iterator[np.ndarray]:
    for seed in seeds:
        market = draw_walk(seed)
        bars = resample(market.minutes, timeframe, "24x5").closed()
        fine = None if timeframe is Timeframe.M1 else market.minutes
        result = run_setup(
            rule.default,
            market.symbol,
            bars,
            market.sessions,
            earlier=market.earlier,
            fine=fine,
        )
        yield result.trades.r


@of_every_rule
def test_a_setup_cannot_beat_a_random_walk(rule: Rule) -> None:
    earned = earn(rule, Timeframe.M5, range(1))

    assert earned.trades >= 30
    assert earned.mean <= 3 * earned.error


@pytest.mark.faults
@pytest.mark.parametrize(
    ("rule", "timeframe"),
    [(rule, timeframe) for rule in RULES for timeframe in rule.default.timeframes],
    ids=lambda one: one.id if isinstance(one, Rule) else str(one),
)
def test_a_setup_cannot_beat_a_long_random_walk(rule: Rule, timeframe: Timeframe) -> None:
    earned = earn(rule, timeframe, range(12))
    figures = f"mean {earned.mean:+.4f}R, standard error {earned.error:.4f}"
    print(f"\n{rule.id} {timeframe}: {earned.trades} trades, {figures}")  # noqa: T201

    assert earned.trades >= 100
    assert earned.mean <= 3 * earned.error
