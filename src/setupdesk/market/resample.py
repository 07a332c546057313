"""Resampling: coarse bars from fine ones, as TradingView and brokers draw them.

M1 to H1 lie on the UTC grid. H4 and D1 are anchored at 17:00 New York, the roll of the
trading day: measured on FOREXCOM's GER40, where it reproduces every H4 bar.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from setupdesk.core.symbol import Week
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Floats, Ints

_ROLL_ZONE = ZoneInfo("America/New_York")
_ROLL = time(17)
_DAY_MS = Timeframe.D1.milliseconds


def resample(bars: Bars, timeframe: Timeframe, week: Week) -> Bars:
    """Merge *bars* into *timeframe*; each stamp is the open of its span, traded or not.

    The trade date of a D1 bar is the New York date of its end. A five-day market has no
    Saturday or Sunday: what a broker quotes there is a stub of Friday's break and dropped.
    The last bar may be unfinished: see ``day_ends_ms``.
    """
    if timeframe is bars.timeframe:
        return bars
    if timeframe.minutes < bars.timeframe.minutes:
        raise ValueError(f"{bars.timeframe} bars cannot be split into {timeframe}")
    if not len(bars):
        return replace(bars, timeframe=timeframe)
    spans = _grid_spans if timeframe.minutes <= Timeframe.H1.minutes else _anchored_spans
    opens, first_rows = spans(bars.time, timeframe)
    merged = _merge(bars, timeframe, opens, first_rows)
    return _drop_weekend(merged) if timeframe is Timeframe.D1 and week == "24x5" else merged


def day_ends_ms(daily: Bars) -> Ints:
    """Give the instant at which each D1 bar is complete: the next 17:00 New York.

    This also holds for daily bars stamped with the midnight of their trade date.
    """
    if not len(daily):
        return np.empty(0, np.int64)
    rolls = _rolls_ms(int(daily.time[0]), int(daily.time[-1]))
    return rolls[np.searchsorted(rolls, daily.time, side="right")]


def _grid_spans(times: Ints, timeframe: Timeframe) -> tuple[Ints, Ints]:
    opens = times - times % timeframe.milliseconds
    first_rows = np.flatnonzero(np.diff(opens, prepend=opens[0] - 1))
    return opens[first_rows], first_rows


def _anchored_spans(times: Ints, timeframe: Timeframe) -> tuple[Ints, Ints]:
    edges = _edges_ms(_rolls_ms(int(times[0]), int(times[-1])), timeframe)
    rows = np.searchsorted(times, edges)
    traded = np.flatnonzero(np.diff(rows))
    return edges[traded], rows[traded]


def _edges_ms(rolls: Ints, timeframe: Timeframe) -> Ints:
    # A day of 25 hours gets a short seventh H4 bar rather than a long sixth one: a bar
    # must never last longer than its timeframe says, or it would be used before it closed.
    steps = np.arange(0, 25 * 3_600_000, timeframe.milliseconds)
    edges = rolls[:-1, None] + steps
    inside = edges < rolls[1:, None]
    return np.append(edges[inside], rolls[-1])


def _rolls_ms(first_ms: int, last_ms: int) -> Ints:
    # One zone look-up a day, never one a bar.
    first = datetime.fromtimestamp(first_ms / 1000, UTC).date() - timedelta(days=2)
    days = (last_ms - first_ms) // _DAY_MS + 5
    return np.array([_roll_ms(first + timedelta(days=day)) for day in range(days)], np.int64)


@cache
def _roll_ms(day: date) -> int:
    return int(datetime.combine(day, _ROLL, _ROLL_ZONE).timestamp()) * 1000


def _merge(bars: Bars, timeframe: Timeframe, opens: Ints, first_rows: Ints) -> Bars:
    last_rows = np.append(first_rows[1:], len(bars)) - 1
    return Bars(
        timeframe,
        bars.tick,
        opens,
        bars.open[first_rows],
        np.maximum.reduceat(bars.high, first_rows),
        np.minimum.reduceat(bars.low, first_rows),
        bars.close[last_rows],
        _sum_volume(bars.volume, first_rows),
    )


def _sum_volume(volume: Floats, first_rows: Ints) -> Floats:
    known = ~np.isnan(volume)
    if not known.any():
        return np.full(len(first_rows), np.nan)
    sums = np.add.reduceat(np.where(known, volume, 0.0), first_rows)
    return np.where(np.logical_or.reduceat(known, first_rows), sums, np.nan)


def _drop_weekend(daily: Bars) -> Bars:
    # A D1 bar opens at 21:00 or 22:00 UTC of the evening before its trade date.
    trade_days = daily.time // _DAY_MS + 1
    weekday = (trade_days + 3) % 7
    kept = weekday < 5
    return Bars(
        daily.timeframe,
        daily.tick,
        daily.time[kept],
        daily.open[kept],
        daily.high[kept],
        daily.low[kept],
        daily.close[kept],
        daily.volume[kept],
    )
