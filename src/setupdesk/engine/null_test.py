"""The null test: on a market without drift and without costs no setup may win.

What wins there knows the future: a driftless random walk cannot be beaten by any rule that
stands on closed bars, whatever its stops and targets are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

import numpy as np

from setupdesk.core.symbol import Costs, Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.causality import Run, Watch
from setupdesk.market.bars import Bars, Floats
from setupdesk.market.days import to_ms
from setupdesk.market.resample import resample
from setupdesk.market.sessions import Session, session_by_clock

Verdict = Literal["passed", "failed", "too_few"]

FIRST_DAY = date(2015, 1, 5)
MINUTES = 1440
STEPS = 8
"""Ticks that price moves within a minute, one by one: every price between two is traded."""

PRICE = 20_000
"""Ticks. A day of the walk spans about 170 of them, 0.9 %, as a stock index does."""

BOUND = 3.0
"""Standard errors above zero that chance may reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NullSize:
    """How much of the null market is drawn."""

    sessions: int = 500
    """Drawn at a time; each batch is a market of its own."""

    most_sessions: int = 4_000
    enough_trades: int = 300
    recheck: int = 4
    """A first alarm is judged again on so many times as many trades."""

    seed: int = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class NullTest:
    """What a setup earned where nothing can be earned."""

    timeframe: Timeframe
    sessions: int
    trades: int
    enough: int
    mean: float
    """R, before costs; NaN without trades."""

    error: float
    """Standard error of the mean; NaN with fewer than two trades."""

    @property
    def verdict(self) -> Verdict:
        """Judge the mean: ``too_few`` trades are no pass."""
        if self.trades < self.enough:
            return "too_few"
        return "passed" if self.mean <= BOUND * self.error else "failed"

    @property
    def sentence(self) -> str:
        """Say it in words."""
        if self.verdict == "too_few":
            return (
                f"{self.timeframe}: {self.trades} trades in {self.sessions:,} sessions of a random "
                f"walk; {self.enough} are needed to judge."
            )
        earned = f"{self.mean:+.2f}R ± {self.error:.2f} (standard error)"
        over = f"over {self.trades:,} trades"
        if self.verdict == "failed":
            return (
                f"{self.timeframe}: it wins on a random walk, {earned} {over}: it knows the future."
            )
        is_zero = self.mean >= -BOUND * self.error
        found = "it is not distinguishable from zero" if is_zero else "it does not win"
        return (
            f"{self.timeframe}: on a random walk {found}: {earned} {over}; "
            "a leak smaller than three of these would not be seen."
        )

    def to_json(self) -> dict[str, Any]:
        """Give the shape that doors show."""
        return {
            "timeframe": self.timeframe,
            "verdict": self.verdict,
            "sessions": self.sessions,
            "trades": self.trades,
            "mean_r": None if np.isnan(self.mean) else self.mean,
            "standard_error": None if np.isnan(self.error) else self.error,
            "sentence": self.sentence,
        }


def check_null(
    run: Run,
    symbol: Symbol,
    timeframe: Timeframe,
    warm_up: int,
    *,
    size: NullSize | None = None,
    watch: Watch = lambda *_: None,
) -> NullTest:
    """Trade a random walk until there are trades enough to judge, or *most_sessions*.

    *run* must be that of ``null_symbol(symbol)``; *warm_up* weekdays come before each batch.
    """
    size = size or NullSize()
    found, drawn, wanted = np.empty(0), 0, size.enough_trades
    for r in _draw_batches(run, symbol, timeframe, warm_up, size):
        watch(len(found), wanted)
        found, drawn = np.append(found, r), drawn + size.sessions
        if len(found) < wanted:
            continue
        result = _judge(found, drawn, timeframe, size)
        if result.verdict == "passed" or wanted > size.enough_trades:
            return result
        wanted *= size.recheck
    return _judge(found, drawn, timeframe, size)


def null_symbol(symbol: Symbol) -> Symbol:
    """Give *symbol* without costs, with a tick that fits the walk's daily range."""
    low, high = symbol.price_range
    tick = float(np.sqrt(low * high)) / PRICE
    return replace(symbol, tick=tick, costs=Costs(spread=((time(), 0.0),), slippage=0.0))


def draw_walk(tick: float, days: Sequence[date], seed: Sequence[int]) -> Bars:
    """Draw the M1 bars of a driftless walk through all 24 hours, UTC, of *days*; one lot a step."""
    random = np.random.default_rng(seed)
    steps = random.integers(0, 2, size=(len(days) * MINUTES, STEPS), dtype=np.int8) * 2 - 1
    ends = PRICE + np.cumsum(steps, dtype=np.int64).reshape(-1, STEPS)
    path = np.column_stack((np.append(PRICE, ends[:-1, -1]), ends))
    midnights = np.array([to_ms(datetime.combine(day, time(), UTC)) for day in days], np.int64)
    return Bars(
        Timeframe.M1,
        tick,
        (midnights[:, None] + np.arange(MINUTES) * 60_000).reshape(-1),
        path[:, 0],
        path.max(axis=1),
        path.min(axis=1),
        path[:, -1],
        np.full(len(path), float(STEPS)),
    )


def find_weekdays(first: date, count: int) -> list[date]:
    """Give *count* weekdays from *first* on."""
    days = (first + timedelta(days=number) for number in range(count * 7 // 5 + 7))
    return [day for day in days if day.isoweekday() < 6][:count]


def plain_sessions(symbol: Symbol, days: Sequence[date]) -> list[Session]:
    """Give the regular hours of *symbol* on *days*, holidays or not."""
    return [session_by_clock(day, symbol.session) for day in days]


def _draw_batches(
    run: Run, symbol: Symbol, timeframe: Timeframe, warm_up: int, size: NullSize
) -> Iterator[Floats]:
    market = null_symbol(symbol)
    days = find_weekdays(FIRST_DAY, warm_up + size.sessions)
    sessions = plain_sessions(market, days[warm_up:])
    for batch in range(size.most_sessions // size.sessions):
        minutes = draw_walk(market.tick, days, (size.seed, batch))
        bars = resample(minutes, timeframe, market.week, market.roll).closed()
        yield np.array([trade.r for trade in run(bars, sessions).trades])


def _judge(found: Floats, sessions: int, timeframe: Timeframe, size: NullSize) -> NullTest:
    count: int = len(found)
    return NullTest(
        timeframe=timeframe,
        sessions=sessions,
        trades=count,
        enough=size.enough_trades,
        mean=float(found.mean()) if count else float("nan"),
        error=float(found.std(ddof=1) / np.sqrt(count)) if count > 1 else float("nan"),
    )
