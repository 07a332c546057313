"""Markets on which every setup that ships is tried."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.causality import Run
from setupdesk.engine.result import Truths
from setupdesk.market.bars import Bars
from setupdesk.market.resample import resample
from setupdesk.market.sessions import Session
from setupdesk.market.synthetic import simulate_bars
from setupdesk.setups.registry import load_registry
from setupdesk.setups.rule import Rule

RULES = list(load_registry())
WARM_UP = 24
EARLIER = 16
SESSIONS = 40
FIRST = date(2025, 2, 3)
"""So that the clocks of New York change three weeks before those of Berlin, amid the sessions."""

of_every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


@dataclass(frozen=True, eq=False)
class Market:
    symbol: Symbol
    minutes: Bars
    sessions: Sequence[Session]
    earlier: Sequence[Session]

    def bars(self, timeframe: Timeframe) -> Bars:
        """With a bar missing here and there, as real ones have."""
        whole = resample(self.minutes, timeframe, self.symbol.week, self.symbol.roll).closed()
        return pick(whole, np.random.default_rng(5).random(len(whole)) > 0.01)

    def run(self, rule: Rule, fine: Bars | None) -> Run:
        """A run that knows no bar, and no finer bar, beyond those that it is given."""
        setup = rule.default

        def run(bars: Bars, sessions: Sequence[Session]) -> object:
            known = None if fine is None else fine.between(0, bars.end_ms)
            return run_setup(setup, self.symbol, bars, sessions, earlier=self.earlier, fine=known)

        return run  # type: ignore[return-value]  # a Result is what a run tells


def peeking(run: Run) -> Run:
    """Plant a look-ahead in an honest run: each of its bars is the next one but for its open."""
    return lambda bars, sessions: run(one_bar_ahead(bars), sessions)


def one_bar_ahead(bars: Bars) -> Bars:
    rows = np.minimum(np.arange(len(bars)) + 1, len(bars) - 1)
    return replace(bars, high=bars.high[rows], low=bars.low[rows], close=bars.close[rows])


def pick(bars: Bars, kept: Truths) -> Bars:
    columns = ("time", "open", "high", "low", "close", "volume")
    return replace(bars, **{name: getattr(bars, name)[kept] for name in columns})


def hold_sessions(symbol: Symbol, days: Sequence[date]) -> list[Session]:
    zone = ZoneInfo(symbol.zone)

    def at(day: date, hour: time) -> int:
        return int(datetime.combine(day, hour, zone).timestamp()) * 1000

    return [
        Session(day, at(day, symbol.session.start), at(day, symbol.session.end)) for day in days
    ]


@cache
def draw_market(sessions: int = SESSIONS, seed: int = 3) -> Market:
    symbol = load_catalogue()["GER40"]
    days = find_weekdays(WARM_UP + sessions)
    minutes = simulate_bars(symbol, days[0], days[-1], seed)
    volume = np.random.default_rng(seed).integers(1, 50, len(minutes)).astype(float)
    held = hold_sessions(symbol, days)
    return Market(
        symbol, replace(minutes, volume=volume), held[WARM_UP:], held[WARM_UP - EARLIER : WARM_UP]
    )


def find_weekdays(count: int) -> list[date]:
    every = (FIRST + timedelta(days=one) for one in range(2 * count))
    return [day for day in every if day.isoweekday() < 6][:count]
