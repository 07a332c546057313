"""Feeds: what comes from a vendor, day by day, before it is stored."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.market.days import from_ms
from setupdesk.market.resample import day_ends_ms

DAY_MS = Timeframe.D1.milliseconds
GRID = (Timeframe.M1, Timeframe.M5, Timeframe.M15, Timeframe.H1)
"""Timeframes that open at the same instants everywhere; coarser ones are made from these."""

SETTLE_MS = 5_000
"""A bar counts as over a little later: clocks differ, and its last tick may be on its way."""

_FRESH_MS = 6 * 3_600_000
"""A day that has just ended may still be written to by its vendor."""

_LATE_MS = 3 * DAY_MS
"""A day that a vendor does not have may still come; after this long it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """The closed bars of one UTC day, or of as much of it as is over."""

    start_ms: int
    bars: Bars
    sha256: str
    """Of the bytes that came; empty where nothing came."""

    is_final: bool
    """Whether the vendor has nothing more to say about the day."""

    silent: int = 0
    """Flat bars without volume that were left out: nothing was quoted in them."""


def build_bars(
    symbol: Symbol, timeframe: Timeframe, time: Ints, prices: Floats, volume: Floats
) -> Bars:
    """Make bars of four rows of prices: open, high, low, close. A volume of NaN is none."""
    opened, high, low, close = np.rint(prices / symbol.tick).astype(np.int64)
    return Bars(timeframe, symbol.tick, time, opened, high, low, close, volume)


def keep_closed(bars: Bars, now_ms: int) -> Bars:
    """Drop the bars that are not over at *now_ms*: they may still change."""
    ends = (
        day_ends_ms(bars)
        if bars.timeframe is Timeframe.D1
        else bars.time + bars.timeframe.milliseconds
    )
    return bars[: int(np.searchsorted(ends, now_ms, side="right"))]


def is_settled(stop_ms: int, now_ms: int, *, has_bars: bool) -> bool:
    """Say whether a vendor has said the last word about the day that ended at *stop_ms*."""
    return stop_ms + (_FRESH_MS if has_bars else _LATE_MS) <= now_ms


def join_bars(parts: list[Bars]) -> Bars:
    """Put bars one after the other; there must be one part at least."""
    first = parts[0]
    names = ("time", "open", "high", "low", "close", "volume")
    columns = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
    return Bars(first.timeframe, first.tick, *columns)


def no_bars(symbol: Symbol, timeframe: Timeframe) -> Bars:
    """Give bars of which there are none."""
    empty = np.empty(0, np.int64)
    return build_bars(symbol, timeframe, empty, np.empty((4, 0)), np.empty(0))


def find_mistake(bars: Bars, symbol: Symbol) -> str | None:
    """Find what no closed bar can be: out of order, off the grid, crossed, of another scale."""
    return next((says for _, says in list_mistakes(bars, symbol)), None)


def list_mistakes(bars: Bars, symbol: Symbol) -> Iterator[tuple[int, str]]:
    """List the rows that are no closed bars, one kind of mistake after the other."""
    low, high = (round(price / symbol.tick) for price in symbol.price_range)
    plausible = f"{symbol.price_range[0]:,g} to {symbol.price_range[1]:,g}"
    grid = min(bars.timeframe.milliseconds, Timeframe.H1.milliseconds)
    body_low, body_high = np.minimum(bars.open, bars.close), np.maximum(bars.open, bars.close)
    checks = (
        (
            np.diff(bars.time, prepend=bars.time[:1] - 1) <= 0,
            "does not come after the one before it",
        ),
        (bars.time % grid != 0, f"does not open on the grid of {bars.timeframe}"),
        (
            (bars.high < body_high) | (bars.low > body_low),
            "has its open or close outside low to high",
        ),
        ((bars.low < low) | (bars.high > high), f"is no price of {symbol.name}: {plausible}"),
        (bars.volume < 0, "has a volume below 0"),
    )
    for wrong, says in checks:
        for row in np.flatnonzero(wrong).tolist():
            yield row, f"the bar of {from_ms(int(bars.time[row])):%Y-%m-%d %H:%M} UTC {says}"
