"""A tape drawn by hand: a market that stands still but for the candles that a test names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cache, cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.costs import without_costs
from setupdesk.engine.result import Result
from setupdesk.market.bars import Bars
from setupdesk.market.sessions import Session
from setupdesk.setups.definition import Setup

Candle = tuple[float, float, float, float]
Story = dict[str, Candle]
"""Candles by the local time at which they open."""

DAY = date(2025, 5, 14)
"""A Wednesday; Berlin is at +2, New York six hours behind it."""

PRICE = 24_000.0
TICK = 0.1
HISTORY = 20
QUIET: Story = {"12:00": (PRICE, PRICE + 100, PRICE - 100, PRICE)}
"""A day with a range of 200 points, so that the daily ATR is 200."""


@cache
def find_dax() -> Symbol:
    """GER40 as it ships, without costs."""
    return without_costs(load_catalogue()["GER40"])


@dataclass(frozen=True)
class Tape:
    """GER40 from 00:00 to 22:00 Berlin on *HISTORY* quiet weekdays and one day of a story."""

    story: Story
    timeframe: Timeframe = Timeframe.M5
    day: date = DAY
    days: Mapping[date, Story] = field(default_factory=dict)
    """Stories of other days; an empty one stands still."""

    absent: frozenset[date] = frozenset()
    """Days without any bar, on which the exchange is open all the same."""

    history: int = HISTORY
    volume: float = 1.0
    shift: float = 0.0
    """Points by which all is dearer."""

    mirrored: bool = False
    """Upside down, seen from ``PRICE``."""

    symbol: Symbol = field(default_factory=find_dax)
    closes: time = time(17, 30)

    @cached_property
    def weekdays(self) -> list[date]:
        every = (self.day - timedelta(days=back) for back in range(2 * self.history + 5, -1, -1))
        return [day for day in every if day.isoweekday() < 6][-self.history - 1 :]

    @cached_property
    def bars(self) -> Bars:
        stamps: list[int] = []
        candles: list[Candle] = []
        close = PRICE
        for day in self.weekdays:
            if day in self.absent:
                continue
            story = self.story if day == self.day else self.days.get(day, QUIET)
            midnight = instant_ms(day, "00:00", self.symbol.zone)
            for minute in range(0, 22 * 60, self.timeframe.minutes):
                clock = f"{minute // 60:02}:{minute % 60:02}"
                candle = story.get(clock, (close, close, close, close))
                stamps.append(midnight + minute * 60_000)
                candles.append(candle)
                close = candle[3]
        return self._draw(stamps, candles)

    def _draw(self, stamps: list[int], candles: list[Candle]) -> Bars:
        prices = np.array(candles)
        if self.mirrored:
            prices = 2 * PRICE - prices[:, [0, 2, 1, 3]]
        opened, high, low, close = np.rint((prices + self.shift) / TICK).astype(np.int64).T
        columns = (np.array(stamps), opened, high, low, close)
        return Bars(self.timeframe, TICK, *columns, np.full(len(stamps), self.volume))

    @cached_property
    def sessions(self) -> list[Session]:
        zone = self.symbol.zone
        held = []
        for day in self.weekdays:
            closes = f"{self.closes:%H:%M}" if day == self.day else "17:30"
            held.append(Session(day, instant_ms(day, "09:00", zone), instant_ms(day, closes, zone)))
        return held

    def run(self, setup: Setup, until: str | None = None, **how: Any) -> Result:
        """Run *setup* on the last day; *until* the bars that have closed by a local time."""
        bars = self.bars
        if until:
            end = instant_ms(self.day, until, self.symbol.zone)
            bars = bars.between(0, end - self.timeframe.milliseconds + 1)
        *earlier, last = self.sessions
        return run_setup(setup, self.symbol, bars, [last], earlier=earlier, **how)

    def price(self, points: float) -> float:
        """Where a price of the story is on this tape."""
        seen = 2 * PRICE - points if self.mirrored else points
        return round(seen + self.shift, 6)


def instant_ms(day: date, clock: str, zone: str) -> int:
    hour, minute = clock.split(":")
    at = datetime.combine(day, time(int(hour), int(minute)), ZoneInfo(zone))
    return int(at.timestamp()) * 1000


def local(at: datetime, symbol: Symbol) -> str:
    return f"{at.astimezone(ZoneInfo(symbol.zone)):%H:%M}"


def verdicts(result: Result) -> list[str]:
    return [one.verdict for one in result.candidates]


def average_slowly(candles: Sequence[Candle], length: int) -> float:
    """Wilder's average true range after the last of the candles."""
    ranges, before = [], None
    for _, high, low, close in candles:
        reach = (high - low,) if before is None else (high - low, high - before, before - low)
        ranges.append(max(reach))
        before = close
    average = sum(ranges[:length]) / length
    for one in ranges[length:]:
        average = (average * (length - 1) + one) / length
    return average


def later(tape: Tape, weeks: int) -> Tape:
    """The same tape whole weeks later."""
    moved = timedelta(weeks=weeks)
    days = {day + moved: story for day, story in tape.days.items()}
    return replace(tape, day=tape.day + moved, days=days)
