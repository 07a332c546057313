"""Sessions: the trading days of an exchange, as instants and as rows of bars.

Time zones are asked once per session, never per bar: rows are then found by bisection.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from setupdesk.core.symbol import Window
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Ints


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day of an exchange, with its real hours (half days close early)."""

    day: date
    opens_ms: int
    """UTC milliseconds."""

    closes_ms: int
    """UTC milliseconds, exclusive: no bar of the session opens at or after it."""


def session_by_clock(day: date, window: Window) -> Session:
    """Give the session of *day* by the wall clock alone, whatever holidays there are.

    It belongs to the day on which it ends; midnight is the end of a day.
    """
    end_day = day + timedelta(days=1) if window.end == time() else day
    wraps = window.start >= window.end and window.end != time()
    start_day = day - timedelta(days=1) if wraps else day
    zone = ZoneInfo(window.zone)
    return Session(
        day,
        _instant_ms(start_day, window.start, zone),
        _instant_ms(end_day, window.end, zone),
    )


def find_rows(times: Ints, sessions: Sequence[Session]) -> tuple[Ints, Ints]:
    """Give the rows ``[first, stop)`` of each session; they are equal where it has no bars.

    *times* are those of the bars, in UTC milliseconds, oldest first.
    """
    first = np.searchsorted(times, column([one.opens_ms for one in sessions]))
    stop = np.searchsorted(times, column([one.closes_ms for one in sessions]))
    return first, stop


def count_with_bars(times: Ints, sessions: Sequence[Session]) -> int:
    """Count the sessions that have any bar."""
    first, stop = find_rows(times, sessions)
    return int((first < stop).sum())


def find_instants(window: Window, sessions: Sequence[Session]) -> tuple[Ints, Ints]:
    """Give the UTC milliseconds at which *window* starts and ends on each session's date.

    A window that ends at or before its start ends on the next date.
    """
    zone = ZoneInfo(window.zone)
    wraps = timedelta(days=int(window.end <= window.start))
    starts = [_instant_ms(one.day, window.start, zone) for one in sessions]
    ends = [_instant_ms(one.day + wraps, window.end, zone) for one in sessions]
    return column(starts), column(ends)


def find_spans(window: Window, sessions: Sequence[Session]) -> tuple[Ints, Ints]:
    """Give the UTC milliseconds ``[start, end)`` of the *window* that belongs to each session.

    A window that would end after its session has closed, such as Asia for the DAX, is the one
    of the evening before.
    """
    starts, ends = find_instants(window, sessions)
    eve = [replace(one, day=one.day - timedelta(days=1)) for one in sessions]
    earlier_starts, earlier_ends = find_instants(window, eve)
    late = ends > column([one.closes_ms for one in sessions])
    return np.where(late, earlier_starts, starts), np.where(late, earlier_ends, ends)


def find_offsets_ms(sessions: Sequence[Session], zone: str) -> Ints:
    """Give what to add to UTC for the wall clock of *zone*, as it is when each session opens."""
    where = ZoneInfo(zone)
    return column([_offset_ms(one.opens_ms, where) for one in sessions])


def fits(window: Window, timeframe: Timeframe) -> bool:
    """Say whether whole bars of *timeframe* fill *window*; else its range cannot be measured."""
    edges = (_minute_of(window.start), _minute_of(window.end))
    return all(minute % timeframe.minutes == 0 for minute in edges)


def column(numbers: Sequence[int]) -> Ints:
    """Give *numbers* as a column, also when there are none."""
    return np.array(numbers, np.int64)


def _instant_ms(day: date, at: time, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, at, zone).timestamp()) * 1000


def _offset_ms(instant_ms: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(instant_ms / 1000, UTC).astimezone(zone).utcoffset()
    return int((offset or timedelta(0)).total_seconds()) * 1000


def _minute_of(at: time) -> int:
    return at.hour * 60 + at.minute
