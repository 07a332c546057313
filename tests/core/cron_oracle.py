"""Brute force: every minute of some years, asked one by one whether a cron expression is due."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from setupdesk.core.rhythm import Cron

Minutes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Due:
    """What an expression means, written out by hand."""

    expression: str
    minutes: Collection[int]
    hours: Collection[int]
    days: Collection[int] = range(1, 32)
    months: Collection[int] = range(1, 13)
    weekdays: Collection[int] = range(7)  # Monday is 0

    @property
    def is_fixed(self) -> bool:
        return not any(field.startswith("*") for field in self.expression.split()[:2])


ALL = range(60), range(24)
TWELVE = (
    Due("* * * * *", *ALL),
    Due("*/10 * * * *", range(0, 60, 10), range(24)),
    Due("0 * * * *", (0,), range(24)),
    Due("*/10 2 * * *", range(0, 60, 10), (2,)),
    Due("30 2 * * *", (30,), (2,)),
    Due("0 9 * * *", (0,), (9,)),
    Due("0,30 1-3 * * *", (0, 30), (1, 2, 3)),
    Due("15 0 * * *", (15,), (0,)),
    Due("59 23 * * 1-5", (59,), (23,), weekdays=range(5)),
    Due("5 0 1 * *", (5,), (0,), days=(1,)),
    Due("30 2 * 3,10,11 SUN", (30,), (2,), months=(3, 10, 11), weekdays=(6,)),
    Due("*/7 0-4 29 2 *", range(0, 60, 7), range(5), days=(29,), months=(2,)),
)
TWENTY = (
    *("UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago"),
    *("America/St_Johns", "America/Sao_Paulo", "America/Santiago", "America/Havana"),
    *("Africa/Casablanca", "Africa/Cairo", "Asia/Tehran", "Asia/Beirut", "Asia/Kolkata"),
    *("Asia/Tokyo", "Australia/Sydney", "Australia/Lord_Howe", "Antarctica/Troll"),
    *("Pacific/Apia", "Pacific/Chatham"),
)


def find_walls(zone: str, begin: datetime, end: datetime) -> Minutes:
    """Give what the wall clock shows at each UTC minute of a span, as minutes since 1970."""
    where = ZoneInfo(zone)
    first, after = (int(edge.timestamp()) // 60 for edge in (begin, end))
    shown = (
        datetime.fromtimestamp(at * 60, where).replace(tzinfo=None) for at in range(first, after)
    )
    return np.fromiter((np.datetime64(wall, "m") for wall in shown), "datetime64[m]").astype(
        np.int64
    )


def ask_each_minute(due: Due, walls: Minutes, begin: int) -> Minutes:
    """Find the UTC minutes at which *due* is due; *begin* is that of the first of *walls*."""
    low, high = int(walls.min()) - 1, int(walls.max()) + 1
    every = np.arange(low, high + 1)
    matches = _match(due, every)
    if not due.is_fixed:
        return begin + np.flatnonzero(matches[walls - low])
    # A fixed time is due when the wall clock comes to it, or jumps over it, for the first time.
    farthest = np.maximum.accumulate(walls)
    passed = np.cumsum(matches)[farthest - low]
    return begin + 1 + np.flatnonzero(np.diff(passed) > 0)


def _match(due: Due, walls: Minutes) -> npt.NDArray[np.bool_]:
    days = walls // 1440
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    in_month = (dates - months).astype(np.int64) + 1
    return (
        np.isin(walls % 60, list(due.minutes))
        & np.isin(walls // 60 % 24, list(due.hours))
        & np.isin(in_month, list(due.days))
        & np.isin(months.astype(np.int64) % 12 + 1, list(due.months))
        & np.isin((days + 3) % 7, list(due.weekdays))
    )


def walk(due: Due, zone: str, begin: datetime, end: datetime) -> Minutes:
    """Give the UTC minutes that the product finds, after the first minute of a span."""
    ticks = takewhile(lambda tick: tick < end, Cron(due.expression, zone).after(begin))
    return np.array([int(tick.timestamp()) // 60 for tick in ticks], dtype=np.int64)


def compare(zone: str, begin: datetime, end: datetime) -> dict[str, tuple[int, int, int]]:
    """Count ticks, missing ones and ones too many, of each of the twelve expressions."""
    walls = find_walls(zone, begin, end)
    first = int(begin.timestamp()) // 60
    counted = {}
    for due in TWELVE:
        wanted = ask_each_minute(due, walls, first)
        wanted = wanted[wanted > first]
        found = walk(due, zone, begin, end)
        missing = len(np.setdiff1d(wanted, found))
        too_many = len(found) - len(np.intersect1d(wanted, found))
        counted[due.expression] = (len(found), missing, too_many)
    return counted
