"""The candles of a report page: the days that say something, in few bytes."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.plain import count_decimals
from setupdesk.engine.result import Truths
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.resample import resample
from setupdesk.market.sessions import Session

BEFORE, AFTER = 56, 12
"""Bars that are shown before a session opens and after it has closed."""

MOST_BARS = 80_000
"""Half a year of M1; a page of more would be slow to open and to send."""

_TEN_DAYS_MS = 10 * 24 * 3_600_000


def cut_span(
    stored: Bars, timeframe: Timeframe, symbol: Symbol, sessions: Sequence[Session]
) -> Bars:
    """Give the bars of the run from some before the first session to some after the last."""
    before = 2 * BEFORE * timeframe.milliseconds + _TEN_DAYS_MS
    opens, closes = sessions[0].opens_ms, sessions[-1].closes_ms
    bars = stored.between(opens - before, closes + AFTER * timeframe.milliseconds)
    return resample(bars, timeframe, symbol.week, symbol.roll).closed()


def pick_candles(
    report: Mapping[str, Any], bars: Bars, sessions: Sequence[Session]
) -> dict[str, Any]:
    """Give the bars around the sessions in which something triggered, in ticks, as differences.

    ``bars`` is flat, five numbers for each: minutes beyond the expected time, open from the last
    close, high from the body, low from the body, close from the open. ``days`` name their rows.
    """
    spans = {one.day.isoformat(): _find_span(bars, one) for one in sessions}
    told = [day for day in _days_by_weight(report) if day in spans]
    sizes = accumulate(int(np.diff(spans[day])[0]) for day in told)
    shown = sorted(day for day, size in zip(told, sizes, strict=True) if size <= MOST_BARS)
    hours = {one.day.isoformat(): (one.opens_ms, one.closes_ms) for one in sessions}
    wanted = np.zeros(len(bars), bool)
    for day in shown:
        wanted[slice(*spans[day])] = True
    place = np.concatenate([[0], np.cumsum(wanted)])
    return {
        "tick": bars.tick,
        "decimals": count_decimals(bars.tick),
        "minutes": bars.timeframe.minutes,
        "start": int(bars.time[wanted.argmax()]) // 60_000 if wanted.any() else 0,
        "bars": _encode(bars, wanted),
        "days": [
            [day, *(int(place[row]) for row in spans[day]), *(ms // 1000 for ms in hours[day])]
            for day in shown
        ],
        "left_out": len(told) - len(shown),
    }


def _find_span(bars: Bars, session: Session) -> tuple[int, int]:
    first, stop = np.searchsorted(bars.time, [session.opens_ms, session.closes_ms]).tolist()
    return max(0, first - BEFORE), min(len(bars), stop + AFTER)


def _days_by_weight(report: Mapping[str, Any]) -> Iterable[str]:
    # Days with trades before days with none, the newest first.
    traded = {trade["day"] for trade in report["trades"]}
    others = {candidate["day"] for candidate in report["candidates"]} - traded
    return [*sorted(traded, reverse=True), *sorted(others, reverse=True)]


def _encode(bars: Bars, wanted: Truths) -> list[int]:
    columns = (bars.time // 60_000, bars.open, bars.high, bars.low, bars.close)
    minute, opened, high, low, closed = (column[wanted] for column in columns)
    if not len(minute):
        return []
    rows = (
        _differences(minute, minute) - bars.timeframe.minutes,
        _differences(opened, closed),
        high - np.maximum(opened, closed),
        np.minimum(opened, closed) - low,
        closed - opened,
    )
    rows[0][0] = 0
    flat: list[int] = np.column_stack(rows).ravel().tolist()
    return flat


def _differences(column: Ints, former: Ints) -> Ints:
    # The first one is from nought.
    return column - np.concatenate([[0], former[:-1]])
