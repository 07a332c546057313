"""Sessions: the trading days of an exchange, as instants and as rows of bars.

Time zones are asked once per day, never per bar: rows are then found by bisection.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time

import numpy as np

from setupdesk.core.symbol import Window
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Ints
from setupdesk.market.days import find_instants_ms


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day of an exchange, with its real hours (half days close early)."""

    day: date
    opens_ms: int
    """UTC milliseconds."""

    closes_ms: int
    """UTC milliseconds, exclusive: no bar of the session opens at or after it."""

    whole: bool = True
    """False where so many of its bars are missing that a backtest leaves it out."""


def session_by_clock(day: date, window: Window) -> Session:
    """Give the session of *day* by the wall clock alone, whatever holidays there are.

    It belongs to the day on which it ends; midnight is the end of a day.
    """
    wraps = window.start >= window.end and window.end != time()
    starts = day.toordinal() - wraps
    ends = day.toordinal() + (window.end == time())
    opens, closes = (
        int(find_instants_ms(np.array([on], np.int64), at, window.zone)[0])
        for on, at in ((starts, window.start), (ends, window.end))
    )
    return Session(day, opens, closes)


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
    return _find_instants(window, _days(sessions))


def find_spans(window: Window, sessions: Sequence[Session]) -> tuple[Ints, Ints]:
    """Give the UTC milliseconds ``[start, end)`` of the *window* that belongs to each session.

    A window that would end after its session has closed, such as Asia for the DAX, is the one
    of the evening before.
    """
    days = _days(sessions)
    starts, ends = _find_instants(window, days)
    earlier_starts, earlier_ends = _find_instants(window, days - 1)
    late = ends > column([one.closes_ms for one in sessions])
    return np.where(late, earlier_starts, starts), np.where(late, earlier_ends, ends)


def fits(window: Window, timeframe: Timeframe) -> bool:
    """Say whether whole bars of *timeframe* fill *window*; else its range cannot be measured."""
    edges = (_minute_of(window.start), _minute_of(window.end))
    return all(minute % timeframe.minutes == 0 for minute in edges)


def column(numbers: Sequence[int]) -> Ints:
    """Give *numbers* as a column, also when there are none."""
    return np.array(numbers, np.int64)


def _days(sessions: Sequence[Session]) -> Ints:
    return column([one.day.toordinal() for one in sessions])


def _find_instants(window: Window, days: Ints) -> tuple[Ints, Ints]:
    wraps = int(window.end <= window.start)
    return (
        find_instants_ms(days, window.start, window.zone),
        find_instants_ms(days + wraps, window.end, window.zone),
    )


def _minute_of(at: time) -> int:
    return at.hour * 60 + at.minute
