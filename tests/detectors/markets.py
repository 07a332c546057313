"""Markets for the tests of detectors: drawn by hand, at random, moved and mirrored."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.days import from_ms
from setupdesk.market.sessions import Session, find_rows

Candle = tuple[float, float, float, float]
"""Open, high, low, close."""

QUARTER_MS = 900_000
DAY_MS = 86_400_000
MONDAY_MS = int(datetime(2025, 5, 5, tzinfo=UTC).timestamp()) * 1000


def draw(candles: Sequence[Candle], tick: float = 0.1) -> Bars:
    """Draw M15 bars without a hole, from Monday 2025-05-05 00:00 UTC."""
    prices = np.rint(np.array(candles, float).reshape(-1, 4) / tick).astype(np.int64)
    stamps = MONDAY_MS + np.arange(len(candles), dtype=np.int64) * QUARTER_MS
    empty = np.full(len(candles), np.nan)
    opened, high, low, close = prices.T
    return Bars(Timeframe.M15, tick, stamps, opened, high, low, close, empty)


def read(lines: str) -> Bars:
    """Draw bars written as ``open,high,low,close|…``, ticks of 0.1."""
    candles = [[float(price) for price in candle.split(",")] for candle in lines.split("|")]
    return draw([(o, h, low, c) for o, h, low, c in candles])


def walk(seed: int, rows: int = 300, step: int = 2) -> Bars:
    """Draw a random walk with jumps, ties and holes; the volume of its last bar is unknown."""
    random = np.random.default_rng(seed)
    steps = random.integers(-step, step + 1, size=(rows, 6))
    steps[:, 0] += np.where(random.random(rows) < 0.1, random.integers(-9, 10, rows), 0)
    path = 20_000 + np.cumsum(steps).reshape(-1, 6)
    holes = np.where(random.random(rows) < 0.04, random.integers(0, 3, rows), 0)
    holes += np.where(random.random(rows) < 0.004, random.integers(20, 200, rows), 0)
    stamps = np.arange(rows) + np.cumsum(holes)
    volume = random.integers(0, 5, rows).astype(np.float64)
    volume[rows - 1 :] = np.nan
    return Bars(
        Timeframe.M15,
        0.1,
        MONDAY_MS + stamps * QUARTER_MS,
        path[:, 0].copy(),
        path.max(axis=1),
        path.min(axis=1),
        path[:, -1].copy(),
        volume,
    )


def move(bars: Bars, ticks: int, days: int) -> Bars:
    """Give the same market at other prices and later."""
    return replace(
        bars,
        time=bars.time + days * DAY_MS,
        open=bars.open + ticks,
        high=bars.high + ticks,
        low=bars.low + ticks,
        close=bars.close + ticks,
    )


def turn_over(bars: Bars, around: int) -> Bars:
    """Give the market seen in a mirror: *around* less each price."""
    return replace(
        bars,
        open=around - bars.open,
        high=around - bars.low,
        low=around - bars.high,
        close=around - bars.close,
    )


def sessions_of(bars: Bars) -> list[Session]:
    """Give sessions 07:00-15:30 UTC for fifty days from the first one of *bars* on."""
    if len(bars) == 0:
        return []
    midnight = int(bars.time[0]) // DAY_MS * DAY_MS
    opens = [midnight + day * DAY_MS + 7 * 3_600_000 for day in range(50)]
    return [Session(from_ms(one).date(), one, one + 30_600_000) for one in opens]


def spans_of(bars: Bars) -> tuple[Ints, Ints]:
    """Give the rows of these sessions."""
    return find_rows(bars.time, sessions_of(bars))
