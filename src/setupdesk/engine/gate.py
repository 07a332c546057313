"""The gate that a setup has to pass before it is used.

It must neither look ahead nor win where nothing can be won.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

import numpy as np

from setupdesk.core.errors import InvalidRuleError
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.causality import Causality, Run, check_causality
from setupdesk.engine.compile import compile_setup
from setupdesk.engine.hours import find_wrong_hours
from setupdesk.engine.null_test import (
    NullSize,
    NullTest,
    check_null,
    find_weekdays,
    null_symbol,
    plain_sessions,
)
from setupdesk.market.bars import Bars
from setupdesk.market.resample import resample
from setupdesk.market.sessions import Session
from setupdesk.market.synthetic import simulate_bars
from setupdesk.setups.definition import Setup

FIRST_DAY = date(2024, 1, 1)
SETTLING = 12
"""Weekdays of warm-up beyond the longest daily average: a week of levels, and holidays of none."""

MISSING = 0.01
"""Share of bars that the market of the first part lacks, as real ones do."""

Stage = Callable[[str, int, int], None]
"""Is told what is done, and how many steps of how many are over."""


MakeRun = Callable[[Setup, Symbol], Run]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSize:
    """How long the gate looks."""

    sessions: int = 40
    prefixes: int = 60
    seed: int = 1
    null: NullSize = field(default_factory=NullSize)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """What the gate found out about a setup."""

    setup_id: str
    symbol: str
    sessions: int
    """Of the simulated market, on each timeframe."""

    causality: tuple[Causality, ...]
    """One for each of the setup's timeframes."""

    null: NullTest

    @property
    def refused(self) -> bool:
        """Say whether the setup was caught: it must not be used."""
        return self.null.verdict == "failed" or not all(one.passed for one in self.causality)

    @property
    def passed(self) -> bool:
        """Say whether both parts were passed; too few trades to judge are no pass."""
        return not self.refused and self.null.verdict == "passed"

    @property
    def never_traded(self) -> bool:
        """Say whether it did nothing at all, so that there was nothing to judge."""
        return not self.null.trades and not any(one.trades for one in self.causality)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say in words what was found, the verdict last."""
        verdict = (
            "The gate is passed."
            if self.passed
            else "The gate is closed: the rule knows what it cannot know."
            if self.refused
            else "Nothing looks ahead; whether it wins on a random walk could not be judged."
        )
        idle = [self._tell_idleness()] if self.never_traded else []
        return (*(one.sentence for one in self.causality), self.null.sentence, *idle, verdict)

    def _tell_idleness(self) -> str:
        ends = sum((Counter(one.verdicts) for one in self.causality), Counter())
        did = "traded" if ends else "triggered"
        reasons = ", ".join(f"{verdict} {count:,}" for verdict, count in ends.most_common())
        found = f" ({ends.total():,} candidates: {reasons})" if ends else ""
        timeframes = ", ".join(one.timeframe for one in self.causality)
        return (
            f"It never {did} on {self.sessions} sessions of a simulated market on {timeframes}"
            f"{found}: look at its filters and its window."
        )

    def to_json(self) -> dict[str, Any]:
        """Give the shape that doors show."""
        return {
            "passed": self.passed,
            "refused": self.refused,
            "never_traded": self.never_traded,
            "symbol": self.symbol,
            "sentences": list(self.sentences),
            "causality": [one.to_json() for one in self.causality],
            "null": self.null.to_json(),
        }


def make_run(setup: Setup, symbol: Symbol) -> Run:
    """Make a setup on a symbol ready for any bars."""
    return lambda bars, sessions: run_setup(setup, symbol, bars, sessions)


def examine(
    setup: Setup,
    symbol: Symbol,
    size: GateSize | None = None,
    note: Stage = lambda *_: None,
    make_run: MakeRun = make_run,
) -> GateReport:
    """Put a setup through both parts, on simulated markets with the hours of *symbol*.

    Raises ``InvalidRuleError`` where the symbol lacks a window of the setup, or where the hours
    of the setup can never come together on it.
    """
    size = size or GateSize()
    warm_up = find_warm_up(setup)
    run = make_run(setup, symbol)
    markets = [draw_market(symbol, one, warm_up, size) for one in setup.timeframes]
    _check_hours(setup, symbol, markets)
    causality = []
    for timeframe, (bars, sessions) in zip(setup.timeframes, markets, strict=True):
        watch = partial(note, f"looking for what later bars change, {timeframe}")
        causality.append(
            check_causality(
                run, bars, sessions, prefixes=size.prefixes, seed=size.seed, watch=watch
            )
        )
    finest = min(setup.timeframes, key=lambda timeframe: timeframe.minutes)
    null = check_null(
        make_run(setup, null_symbol(symbol)),
        symbol,
        finest,
        warm_up,
        size=size.null,
        watch=partial(note, f"trading a random walk, {finest}"),
    )
    return GateReport(
        setup_id=setup.id,
        symbol=symbol.name,
        sessions=size.sessions,
        causality=tuple(causality),
        null=null,
    )


def _check_hours(
    setup: Setup, symbol: Symbol, markets: Sequence[tuple[Bars, Sequence[Session]]]
) -> None:
    found = (
        find_wrong_hours(compile_setup(setup, symbol, bars, sessions), symbol)
        for bars, sessions in markets
    )
    # A mistake of minutes is the same on all timeframes, one of bars is not.
    if mistakes := list(dict.fromkeys(one for wrong in found for one in wrong)):
        raise InvalidRuleError(setup.id, mistakes)


def find_warm_up(setup: Setup) -> int:
    """Count the weekdays before the first session that the setup's daily levels need."""
    daily = (
        getattr(level, "length", 0)
        for level in setup.levels.values()
        if getattr(level, "timeframe", None) == Timeframe.D1
    )
    return max(daily, default=0) + SETTLING


def draw_market(
    symbol: Symbol, timeframe: Timeframe, warm_up: int, size: GateSize
) -> tuple[Bars, list[Session]]:
    """Draw a market with the shape of a day, and with a bar missing here and there."""
    days = find_weekdays(FIRST_DAY, warm_up + size.sessions)
    low, high = symbol.price_range
    price = float(np.sqrt(low * high))
    minutes = simulate_bars(symbol, days[0], days[-1], size.seed, price)
    # The simulated market has no volume, and a level such as a VWAP needs some.
    minutes = replace(minutes, volume=(1 + minutes.high - minutes.low).astype(np.float64))
    bars = resample(minutes, timeframe, symbol.week, symbol.roll).closed()
    kept = np.random.default_rng(size.seed).random(len(bars)) >= MISSING
    thinned = Bars(
        timeframe,
        bars.tick,
        bars.time[kept],
        bars.open[kept],
        bars.high[kept],
        bars.low[kept],
        bars.close[kept],
        bars.volume[kept],
    )
    return thinned, plain_sessions(symbol, days[warm_up:])
