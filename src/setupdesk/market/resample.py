"""Resampling: coarse bars from fine ones, as TradingView and brokers draw them.

M1 to H1 lie on the UTC grid. H4 and D1 are anchored at the roll of the trading day, which is
17:00 New York unless the symbol says otherwise: measured on FOREXCOM's GER40, where it
reproduces every H4 bar.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from setupdesk.core.symbol import NEW_YORK_ROLL, Roll, Week
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.market.days import find_instants_ms

_DAY_MS = Timeframe.D1.milliseconds


def resample(bars: Bars, timeframe: Timeframe, week: Week, roll: Roll = NEW_YORK_ROLL) -> Bars:
    """Merge *bars* into *timeframe*; each stamp is the open of its span, traded or not.

    The trade date of a D1 bar is the date on which its span ends. A five-day market has no
    Saturday or Sunday: what a broker quotes there is a stub of Friday's break and dropped.
    A last bar whose span goes on after *bars* is marked ``partial``.
    """
    if timeframe is bars.timeframe:
        return bars
    if timeframe.minutes < bars.timeframe.minutes:
        raise ValueError(f"{bars.timeframe} bars cannot be split into {timeframe}")
    if not len(bars):
        return replace(bars, timeframe=timeframe)
    if timeframe.minutes <= Timeframe.H1.minutes:
        opens, first_rows, end = _grid_spans(bars.time, timeframe)
    else:
        opens, first_rows, end = _anchored_spans(bars.time, timeframe, roll)
    partial = bars.partial or int(bars.time[-1]) + bars.timeframe.milliseconds < end
    merged = _merge(bars, timeframe, opens, first_rows, partial=partial)
    is_five_day = timeframe is Timeframe.D1 and week == "24x5"
    return _drop_weekend(merged, roll) if is_five_day else merged


def day_ends_ms(daily: Bars, roll: Roll = NEW_YORK_ROLL) -> Ints:
    """Give the instant at which each D1 bar is complete: the next roll.

    This also holds for daily bars stamped with the midnight of their trade date.
    """
    if not len(daily):
        return np.empty(0, np.int64)
    _, rolls = _rolls_ms(daily.time, roll)
    return rolls[np.searchsorted(rolls, daily.time, side="right")]


def find_rolls_ms(times: Ints, roll: Roll = NEW_YORK_ROLL) -> Ints:
    """Give the instants at which trading days end, from before the first of *times* to after."""
    return _rolls_ms(times, roll)[1] if len(times) else np.empty(0, np.int64)


def _grid_spans(times: Ints, timeframe: Timeframe) -> tuple[Ints, Ints, int]:
    opens = times - times % timeframe.milliseconds
    first_rows = np.flatnonzero(np.diff(opens, prepend=opens[0] - 1))
    return opens[first_rows], first_rows, int(opens[-1]) + timeframe.milliseconds


def _anchored_spans(times: Ints, timeframe: Timeframe, roll: Roll) -> tuple[Ints, Ints, int]:
    edges = _edges_ms(_rolls_ms(times, roll)[1], timeframe)
    rows = np.searchsorted(times, edges)
    traded = np.flatnonzero(np.diff(rows))
    return edges[traded], rows[traded], int(edges[traded[-1] + 1])


def _edges_ms(rolls: Ints, timeframe: Timeframe) -> Ints:
    # A day of 25 hours gets a short seventh H4 bar rather than a long sixth one: a bar
    # must never last longer than its timeframe says, or it would be used before it closed.
    steps = np.arange(0, 25 * 3_600_000, timeframe.milliseconds)
    edges = rolls[:-1, None] + steps
    inside = edges < rolls[1:, None]
    return np.append(edges[inside], rolls[-1])


def _rolls_ms(times: Ints, roll: Roll) -> tuple[date, Ints]:
    # One zone look-up a day, never one a bar. With the date of the first.
    first_ms, last_ms = int(times[0]), int(times[-1])
    first = datetime.fromtimestamp(first_ms / 1000, UTC).date() - timedelta(days=2)
    days = (last_ms - first_ms) // _DAY_MS + 5
    return first, find_instants_ms(first.toordinal() + np.arange(days), roll.at, roll.zone)


def _merge(
    bars: Bars, timeframe: Timeframe, opens: Ints, first_rows: Ints, *, partial: bool
) -> Bars:
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
        partial=partial,
    )


def _sum_volume(volume: Floats, first_rows: Ints) -> Floats:
    known = ~np.isnan(volume)
    if not known.any():
        return np.full(len(first_rows), np.nan)
    sums = np.add.reduceat(np.where(known, volume, 0.0), first_rows)
    return np.where(np.logical_or.reduceat(known, first_rows), sums, np.nan)


def _drop_weekend(daily: Bars, roll: Roll) -> Bars:
    first, rolls = _rolls_ms(daily.time, roll)
    # A day that begins at midnight ends on its own date, any other on the next one.
    until_end = 0 if roll.at == time() else 1
    days = first.toordinal() + np.searchsorted(rolls, daily.time) + until_end
    # Ordinal 1 was a Monday.
    kept = (days - 1) % 7 < 5
    return Bars(
        daily.timeframe,
        daily.tick,
        daily.time[kept],
        daily.open[kept],
        daily.high[kept],
        daily.low[kept],
        daily.close[kept],
        daily.volume[kept],
        partial=daily.partial and bool(kept[-1]),
    )
