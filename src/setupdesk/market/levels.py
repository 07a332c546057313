"""Levels: what became, day by day, of the range of a named window such as the initial balance.

A raid is a bar strictly beyond the range, after the window and inside the cash session. A
reclaim is a close strictly back inside, on the raiding bar or later in the session.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any

import numpy as np

from setupdesk.core.proportion import find_wilson_interval
from setupdesk.core.symbol import Window
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.coverage import measure_coverage
from setupdesk.market.days import from_ms
from setupdesk.market.sessions import Session, find_spans

EXTENSIONS = (25, 50, 100, 150, 200)
"""In percent of the range, beyond its edge."""

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLevels:
    """One session's range, and what price did with it. Prices are in points."""

    day: date
    ib_high: float | None
    """None when the window has too few bars for its range to be known."""

    ib_low: float | None
    ib_range: float | None
    raid_high: bool
    raid_low: bool
    first_high_at: int | None
    """Open of the first bar beyond, UTC milliseconds."""

    first_low_at: int | None
    reclaimed_high: bool
    reclaimed_low: bool
    day_high: float | None
    """Of the cash session."""

    day_low: float | None
    bars: int
    coverage: float
    """Share of the session's bars that is there."""

    counted: bool
    """Whether window and session have bars enough to stand in the summary."""

    extension_high: float | None
    """How far beyond the high price went after the window, as a multiple of the range."""

    extension_low: float | None

    def to_json(self) -> dict[str, Any]:
        """Give one row of the table."""
        return {
            "date": self.day.isoformat(),
            "ib_high": self.ib_high,
            "ib_low": self.ib_low,
            "ib_range": self.ib_range,
            "raid_high": self.raid_high,
            "raid_low": self.raid_low,
            "first_high_at": _write_time(self.first_high_at),
            "first_low_at": _write_time(self.first_low_at),
            "reclaimed_high": self.reclaimed_high,
            "reclaimed_low": self.reclaimed_low,
            "day_high": self.day_high,
            "day_low": self.day_low,
            "bars": self.bars,
            "coverage": round(self.coverage, 4),
        }


def find_levels(bars: Bars, window: Window, sessions: Sequence[Session]) -> list[DayLevels]:
    """Follow the range of *window* through each session.

    A window that would end after its session has closed, such as Asia for the DAX, is the one
    of the evening before.
    """
    starts, ends = find_spans(window, sessions)
    covers = measure_coverage(bars, sessions)
    own = [
        Session(one.day, int(start), int(end))
        for one, start, end in zip(sessions, starts, ends, strict=True)
    ]
    formed = measure_coverage(bars, own)
    return [
        _follow(bars, session, span, cover.share, counted=whole.tradable and cover.tradable)
        for session, span, cover, whole in zip(sessions, own, covers, formed, strict=True)
    ]


def summarize_levels(days: Sequence[DayLevels]) -> dict[str, Any]:
    """Count how often the range was broken, on which side, and how far price went beyond."""
    counted = [day for day in days if day.counted]
    ranges = [day.ib_range for day in counted if day.ib_range is not None]
    by_weekday = [
        {"weekday": name, "days": len(chosen), **_count_broken(chosen)}
        for number, name in enumerate(_WEEKDAYS)
        if (chosen := [day for day in counted if day.day.weekday() == number])
    ]
    return {
        "days": len(counted),
        "left_out": [day.day.isoformat() for day in days if not day.counted],
        "median_range": round(median(ranges), 10) if ranges else None,
        **_count_broken(counted),
        "reclaimed": _count_reclaimed(counted),
        "extensions": [_count_extension(counted, percent) for percent in EXTENSIONS],
        "by_weekday": by_weekday,
    }


def _follow(
    bars: Bars, session: Session, window: Session, coverage: float, *, counted: bool
) -> DayLevels:
    formed = bars.between(window.opens_ms, window.closes_ms)
    whole = bars.between(session.opens_ms, session.closes_ms)
    after = bars.between(max(window.closes_ms, session.opens_ms), session.closes_ms)
    known = counted and len(formed) > 0
    high = int(formed.high.max()) if known else None
    low = int(formed.low.min()) if known else None
    above = _follow_edge(after.time, after.high, after.close, high)
    below = _follow_edge(after.time, -after.low, -after.close, None if low is None else -low)
    span = None if high is None or low is None else high - low
    return DayLevels(
        day=session.day,
        ib_high=_points(high, bars.tick),
        ib_low=_points(low, bars.tick),
        ib_range=_points(span, bars.tick),
        raid_high=above.first_at is not None,
        raid_low=below.first_at is not None,
        first_high_at=above.first_at,
        first_low_at=below.first_at,
        reclaimed_high=above.reclaimed,
        reclaimed_low=below.reclaimed,
        day_high=_points(int(whole.high.max()) if len(whole) else None, bars.tick),
        day_low=_points(int(whole.low.min()) if len(whole) else None, bars.tick),
        bars=len(whole),
        coverage=coverage,
        counted=known,
        extension_high=above.beyond / span if span else None,
        extension_low=below.beyond / span if span else None,
    )


@dataclass(frozen=True, slots=True)
class _Edge:
    first_at: int | None = None
    reclaimed: bool = False
    beyond: int = 0


def _follow_edge(times: Ints, reach: Ints, close: Ints, edge: int | None) -> _Edge:
    # The low side comes here upside down.
    if edge is None:
        return _Edge()
    rows = np.flatnonzero(reach > edge)
    if not len(rows):
        return _Edge()
    first = int(rows[0])
    back = bool((close[first:] < edge).any())
    return _Edge(int(times[first]), back, int(reach[first:].max()) - edge)


def _count_broken(days: Sequence[DayLevels]) -> dict[str, Any]:
    high, low = [day.raid_high for day in days], [day.raid_low for day in days]
    sides = list(zip(high, low, strict=True))
    return {
        "high": _rate(sum(high), len(days)),
        "low": _rate(sum(low), len(days)),
        "both": _rate(sum(up and down for up, down in sides), len(days)),
        "none": _rate(sum(not up and not down for up, down in sides), len(days)),
    }


def _count_reclaimed(days: Sequence[DayLevels]) -> dict[str, Any]:
    # Of the days on which that side was raided.
    return {
        "high": _rate(sum(day.reclaimed_high for day in days), sum(day.raid_high for day in days)),
        "low": _rate(sum(day.reclaimed_low for day in days), sum(day.raid_low for day in days)),
    }


def _count_extension(days: Sequence[DayLevels], percent: int) -> dict[str, Any]:
    high = [100 * (day.extension_high or 0) >= percent for day in days]
    low = [100 * (day.extension_low or 0) >= percent for day in days]
    either = [up or down for up, down in zip(high, low, strict=True)]
    rates = {"high": high, "low": low, "either": either}
    return {"percent": percent} | {side: _rate(sum(of), len(days)) for side, of in rates.items()}


def _rate(count: int, of: int) -> dict[str, Any]:
    interval = find_wilson_interval(count, of)
    return {
        "count": count,
        "percent": round(100 * count / of, 1) if of else None,
        "interval": [round(100 * end, 1) for end in interval] if interval else None,
    }


def _points(ticks: int | None, tick: float) -> float | None:
    return None if ticks is None else round(ticks * tick, 10)


def _write_time(instant_ms: int | None) -> str | None:
    return None if instant_ms is None else f"{from_ms(instant_ms):%Y-%m-%dT%H:%M:%SZ}"
