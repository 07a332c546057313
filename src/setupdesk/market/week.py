"""Weeks and days of a market: when its bars begin and stop, and the hours expected of them."""

from dataclasses import dataclass
from datetime import time
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Floats, Ints
from setupdesk.market.clock import NEW_YORK, Clock

_MINUTE_MS = 60_000
_DAY = 1440
_WEEK = 7 * _DAY
_MONDAY = 4 * 1440
"""Minutes from the Thursday on which UNIX time begins."""

_WEEKEND_MS = 30 * 3_600_000
_NIGHT_MS, _LONGEST_DAY_MS = 4 * 3_600_000, 16 * 3_600_000
_NIGHTS, _MOST = 3, 0.9
"""So many nights, and so large a share of short days, make a day session."""

SUNDAY, FRIDAY = 6, 4


@dataclass(frozen=True, slots=True, eq=False)
class Weekends:
    """The weekends in a column of times: the rows beside each, and their times."""

    closing: Ints
    """Open of the last bar before each weekend."""

    opening: Ints
    """Open of the first bar after it."""

    rows: Ints
    """Row of the first bar after it."""


@dataclass(frozen=True, slots=True)
class Habit:
    """Hours that feeds of a symbol keep: minutes of the week or day in *clock*, from and to."""

    clock: Clock
    opens: tuple[int, int]
    closes: tuple[int, int]
    usual: tuple[int, int] | None = None
    """The very minutes at which most feeds open and close."""

    period: int = _WEEK
    """Minutes after which the hours are the same again."""

    def minutes(self, utc: Ints) -> Ints:
        """Give the minutes of the period at instants."""
        return minute_of_week(self.clock.to_wall_ms(utc)) % self.period


@dataclass(frozen=True, slots=True, eq=False)
class Breaks:
    """The breaks of bars that tell their hours: weekends, or the nights of a day session."""

    unit: Literal["week", "day"]
    rows: Ints
    """Row of the first bar after each."""

    habits: tuple[Habit, ...]
    """The hours that may be kept beside them."""

    def show(self, minute: int) -> str:
        """Write a minute of the unit."""
        return show_minute(minute) if self.unit == "week" else show_minute(minute)[-5:]


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """The minute of the week at which most weeks begin, or stop."""

    minute: int
    hits: NDArray[np.bool_]
    """Weeks in which it is that minute."""

    @property
    def share(self) -> float:
        """Say in which share of the weeks."""
        return float(np.mean(self.hits)) if len(self.hits) else 0.0


def find_weekends(times: Ints) -> Weekends:
    """Find the breaks of more than thirty hours in times that ascend."""
    rows = np.flatnonzero(np.diff(times) > _WEEKEND_MS) + 1
    return Weekends(times[rows - 1], times[rows], rows)


def find_weeks(times: Ints, symbol: Symbol) -> Breaks:
    """Find the weekends in times that ascend, and the hours in which *symbol* is traded."""
    return Breaks("week", find_weekends(times).rows, find_habits(symbol))


def find_days(times: Ints, symbol: Symbol) -> Breaks | None:
    """Find the nights, where bars are of a day session alone and *symbol* has one; else None."""
    session = symbol.session
    rows = np.flatnonzero(np.diff(times) >= _NIGHT_MS) + 1
    if session.end <= session.start or len(rows) < _NIGHTS:
        return None
    spans = times[rows[1:] - 1] - times[rows[:-1]]
    if np.mean(spans <= _LONGEST_DAY_MS) < _MOST:
        return None
    opens, closes = _at(0, session.start), _at(0, session.end)
    zone = Clock(session.zone, session.zone)
    cash = Habit(zone, (opens - 5, opens + 20), (closes - 20, closes + 20), (opens, closes), _DAY)
    return Breaks("day", rows, (cash,))


def find_habits(symbol: Symbol) -> tuple[Habit, ...]:
    """Give the hours in which *symbol* is plausibly traded: by its feeds, or in cash hours only."""
    usual = symbol.feed_week
    feed = Habit(
        NEW_YORK,
        opens=(_at(SUNDAY, time(17)), _at(SUNDAY, time(19, 5))),
        closes=(_at(FRIDAY, time(15, 55)), _at(FRIDAY, time(17))),
        usual=(_at(SUNDAY, usual.start), _at(FRIDAY, usual.end)) if usual else None,
    )
    session = symbol.session
    if session.end <= session.start:
        return (feed,)
    opens, closes = _at(0, session.start), _at(FRIDAY, session.end)
    zone = Clock(session.zone, session.zone)
    cash = Habit(zone, (opens - 5, opens + 20), (closes - 20, closes + 20), (opens, closes))
    return (feed, cash)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The breaks of bars as one habit sees them, read with one clock."""

    opens: Edge
    closes: Edge
    score: float
    opening: Ints
    closing: Ints
    is_cut: bool


def view_breaks(
    utc: Ints, rows: Ints, timeframe: Timeframe, habit: Habit, *, is_cut: bool = False
) -> View:
    """See the breaks that end at *rows* of bars, in UTC, with the clock of a *habit*.

    *is_cut* says that the bars before some midnight are missing.
    """
    opening, closing = utc[rows], utc[rows - 1] + timeframe.milliseconds
    opens = find_edge(habit.minutes(opening))
    closes = find_edge(habit.minutes(closing))
    usual = habit.usual or (None, None)
    # Servers drop what lies before their Monday 00:00: such an open says little.
    share = 0.1 if is_cut else 0.4
    score = share * opens.share * weigh(opens.minute, habit.opens, usual[0])
    score += (1 - share) * closes.share * weigh(closes.minute, habit.closes, usual[1])
    return View(opens, closes, score, opening, closing, is_cut)


def is_cut_at_midnight(wall: Ints, rows: Ints) -> bool:
    """Say whether most weeks begin at Monday 00:00 of the file's own clock."""
    return find_edge(minute_of_week(wall[rows])).minute == 0


def minute_of_week(wall_ms: Ints) -> Ints:
    """Give minutes since Monday 00:00."""
    return (wall_ms // _MINUTE_MS - _MONDAY) % _WEEK


def find_edge(minutes: Ints) -> Edge:
    """Find the most frequent of *minutes* of the week."""
    values, counts = np.unique(minutes, return_counts=True)
    minute = int(values[np.argmax(counts)]) if len(values) else 0
    return Edge(minute, minutes == minute)


def show_minute(minute: int) -> str:
    """Write a minute of the week, as ``Friday 17:00``."""
    day, rest = divmod(minute % _WEEK, 1440)
    return f"{_DAYS[day]} {rest // 60:02}:{rest % 60:02}"


def weigh(minute: int, span: tuple[int, int], usual: int | None) -> float:
    """Say how well *minute* fits: 1 where most feeds have it, less within *span*, else 0."""
    if usual is not None and abs(minute - usual) <= 15:
        return 1.0
    return 0.7 if span[0] <= minute <= span[1] else 0.0


def log_returns(close: Ints) -> Floats:
    """Give the change of each price to the next."""
    return np.diff(np.log(close.astype(np.float64)))


def _at(day: int, when: time) -> int:
    return day * 1440 + when.hour * 60 + when.minute


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
