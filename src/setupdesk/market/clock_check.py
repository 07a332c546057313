"""Checks of clocks: what in bars contradicts the clock with which they were read.

The hours of a market tell by whole hours, and where it opens by the bar.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.clock import NEW_YORK, Clock, parse_clock
from setupdesk.market.clock_changes import weigh_changes
from setupdesk.market.clock_evidence import CLOCK_NAMES, propose_clock
from setupdesk.market.opening import find_opening
from setupdesk.market.stamping import find_stamping
from setupdesk.market.week import (
    Habit,
    View,
    find_days,
    find_edge,
    find_weeks,
    minute_of_week,
    show_minute,
    view_breaks,
)

_ON_THE_HOUR, _ON_THE_QUARTER = (60, 10), (15, 5)
"""Minutes between the times at which feeds open or close, and how much they may miss them by."""

_TELLING = 100_000
"""Bars whose hours are enough to tell a clock."""


def check_clock(bars: Bars, symbol: Symbol, clock: Clock) -> tuple[str, ...]:
    """Say what contradicts *clock*, with which the *bars*, now in UTC, were read."""
    if symbol.week == "24x7":
        return _check_changes(bars, clock)
    doubts = find_clock_doubts(bars, symbol)
    if not doubts:
        return ()
    hint = _find_hint(bars, symbol, clock)
    return tuple(
        f"The clock {clock.name} contradicts the hours of {symbol.name}: {says}.{hint}"
        for says in doubts
    )


def check_declared(bars: Bars, symbol: Symbol, clock: Clock) -> tuple[str, ...]:
    """Say what contradicts a declared *clock*, also by what would be proposed in its place.

    A proposal needs fewer days than a doubt: it compares clocks, and asks no hour to be kept.
    """
    doubts = check_clock(bars, symbol, clock)
    if doubts or symbol.week == "24x7" or bars.timeframe is Timeframe.D1:
        return doubts
    newest = bars[-_TELLING:]
    wall = replace(newest, time=clock.to_wall_ms(newest.time))
    better = propose_clock(wall, symbol)
    is_same = bool(np.all(better.clock.to_utc_ms(wall.time) == newest.time))
    if better.confidence == "unsure" or is_same or clock.name in better.rivals:
        return ()
    evidence = " ".join(better.candidates[0].evidence)
    hint = f"{better.clock.name} would fit."
    return (f"The clock {clock.name} contradicts these bars. {evidence} {hint}",)


def find_clock_doubts(bars: Bars, symbol: Symbol) -> tuple[str, ...]:
    """Say where *bars*, in UTC, are not at the hours of *symbol*: sentences without their end."""
    if symbol.week == "24x7" or bars.timeframe is Timeframe.D1:
        # Daily bars are stamped with a date or with any hour of it.
        return ()
    return _check_opening(bars, symbol) or _check_days(bars, symbol) or _check_weeks(bars, symbol)


def _find_hint(bars: Bars, symbol: Symbol, clock: Clock) -> str:
    wall = replace(bars, time=clock.to_wall_ms(bars.time))
    better = propose_clock(wall, symbol)
    as_better = replace(bars, time=better.clock.to_utc_ms(wall.time))
    fits = better.candidates[0].score > 0.5 and not find_clock_doubts(as_better, symbol)
    if fits and better.clock != clock:
        return f" {better.clock.name} would fit."
    if find_stamping(bars, symbol).at == "close":
        return " They look stamped at their close: --stamped-at close would fit."
    return ""


def _check_opening(bars: Bars, symbol: Symbol) -> tuple[str, ...]:
    opening = find_opening(bars, symbol)
    return (opening.explain(),) if opening is not None and opening.late else ()


def _check_days(bars: Bars, symbol: Symbol) -> tuple[str, ...]:
    # A feed may have hours of its own: only both ends, moved alike, are those of the session.
    breaks = find_days(bars.time, symbol)
    if breaks is None:
        return ()
    (habit,) = breaks.habits
    view = view_breaks(bars.time, breaks.rows, bars.timeframe, habit)
    is_regular = min(view.opens.share, view.closes.share) > 0.5
    opens, closes = habit.usual or (0, 0)
    late = (view.opens.minute - opens) % habit.period
    if not is_regular or not late or (view.closes.minute - closes) % habit.period != late:
        return ()
    says = (
        f"the day opens {breaks.show(view.opens.minute)} and closes "
        f"{breaks.show(view.closes.minute)} {habit.clock.name} in most of {len(breaks.rows)} days; "
        f"its session is {breaks.show(opens)} to {breaks.show(closes)}"
    )
    return (says,)


def _check_weeks(bars: Bars, symbol: Symbol) -> tuple[str, ...]:
    weeks = find_weeks(bars.time, symbol)
    rows, habits = weeks.rows, weeks.habits
    if len(rows) < 2:
        return ()
    views = [view_breaks(bars.time, rows, bars.timeframe, habit) for habit in habits]
    # Holidays make weeks shorter: where no hour is that of most weeks, none is wrong.
    is_regular = min(views[0].opens.share, views[0].closes.share) > 0.5
    by_hours = _check_hours(views, habits, symbol) if is_regular else ()
    return by_hours or _check_moves(views[0].closing, symbol)


def _check_hours(views: Sequence[View], habits: Sequence[Habit], symbol: Symbol) -> tuple[str, ...]:
    in_hours = [
        _within(view.opens.minute, habit.opens) and _within(view.closes.minute, habit.closes)
        for view, habit in zip(views, habits, strict=True)
    ]
    has_cash = len(habits) > 1
    grid = _ON_THE_QUARTER if has_cash else _ON_THE_HOUR
    feed, hours = views[0], habits[0]
    if any(in_hours[1:]) or (in_hours[0] and _is_on(grid, feed)):
        return ()
    weeks = len(feed.closes.hits)
    found = (
        f"the week opens {show_minute(feed.opens.minute)} and closes "
        f"{show_minute(feed.closes.minute)} New York time in most of {weeks} weeks"
    )
    if in_hours[0]:
        where = "quarter hour" if has_cash else "hour"
        return (f"{found}; feeds of {symbol.name} open and close on the {where}",)
    span = (
        f"feeds of {symbol.name} open {show_minute(hours.opens[0])} to "
        f"{show_minute(hours.opens[1])} and close {show_minute(hours.closes[0])} to "
        f"{show_minute(hours.closes[1])}"
    )
    return (f"{found}; {span}",)


def _within(minute: int, span: tuple[int, int]) -> bool:
    return span[0] <= minute <= span[1]


def _is_on(grid: tuple[int, int], view: View) -> bool:
    # The first minutes after an opening, and the last before a close, may have no trades.
    step, slack = grid
    return view.opens.minute % step <= slack and -view.closes.minute % step <= slack


def _check_moves(stops: Ints, symbol: Symbol) -> tuple[str, ...]:
    # Hours of a market may follow its own zone or New York: both must move to be strange.
    # Feeds do change when they open; at a wrong clock the close moves too.
    moves = [_find_move(stops, zone) for zone in (NEW_YORK, Clock(symbol.zone, symbol.zone))]
    return tuple(moves[:1]) if all(moves) else ()


def _find_move(stops: Ints, zone: Clock) -> str:
    # Say in which part of the year the week closes an hour earlier or later, if in any.
    parts = _parts_of_year(stops)
    minutes = minute_of_week(zone.to_wall_ms(stops))
    usual = find_edge(minutes).minute
    for part in np.unique(parts).tolist():
        edge = find_edge(minutes[parts == part])
        weeks = int(np.count_nonzero(edge.hits))
        if weeks >= 2 and abs(edge.minute - usual) == 60:
            first = datetime.fromtimestamp(int(stops[parts == part][0]) / 1000, UTC)
            return (
                f"the week closes {show_minute(edge.minute)} instead of {show_minute(usual)} "
                f"({zone.name}) in {weeks} weeks of one part of the year, first on "
                f"{first:%Y-%m-%d}"
            )
    return ""


def _parts_of_year(utc: Ints) -> Ints:
    # American and European summer time make four parts, two of which last only weeks.
    athens = parse_clock("Europe/Athens")
    offsets = [clock.to_wall_ms(utc) - utc for clock in (NEW_YORK, athens)]
    return offsets[0] * 48 + offsets[1]


def _check_changes(bars: Bars, clock: Clock) -> tuple[str, ...]:
    wall = replace(bars, time=clock.to_wall_ms(bars.time))
    kept, broken = weigh_changes(wall, clock)
    if len(broken) > len(kept):
        day = f"{broken[0]:%Y-%m-%d}"
        return (f"The clock {clock.name} was changed on {day}, but the bars were not.",)
    if kept:
        return ()
    others = [(one, weigh_changes(wall, one)) for one in map(parse_clock, CLOCK_NAMES)]
    for other, (fits, misses) in others:
        if len(fits) > len(misses):
            says = (
                f"The clock {clock.name} is doubtful: on {fits[0]:%Y-%m-%d} the bars leave out "
                f"or double the hour that {other.name} does."
            )
            return (says,)
    return ()
