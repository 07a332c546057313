"""Breakdowns: where the result of a run comes from, by day, hour, side, level and market."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from setupdesk.engine.averages import NO_SPREAD, Interval, find_t95
from setupdesk.engine.result import Result, Trades
from setupdesk.market.bars import Floats, Ints

UNKNOWN = "unknown"
"""Key of the trades whose session has no size."""

_UNKNOWN_SIZE = 4
_QUARTER_HOUR_S = 900
_DAYS_BEFORE_1970 = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One row of a breakdown, such as all trades of a weekday."""

    key: str
    trades: int
    wins: int
    expectancy_r: float
    interval: Interval | None
    """Student's t over session days: at a handful of trades a bootstrap is far too narrow."""

    total_r: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdowns:
    """The trades of a run, grouped."""

    cells: Mapping[str, tuple[Cell, ...]]
    """By ``weekday`` (1 is Monday), ``hour`` of entry in the market's zone, ``month``, ``side``,
    ``level``, ``size`` (quartiles 1 to 4 of the session's size) and ``half`` of the sessions."""

    size_edges: tuple[float, float, float] | None
    """Between the quartiles; from the sizes of all sessions. None below four of them."""

    second_half: date | None
    """First day of the second half of the sessions."""


def break_down(result: Result, zone: str) -> Breakdowns:
    """Group the trades of *result*; hours are hours in *zone*."""
    trades, sessions = result.trades, result.sessions
    edges = _find_edges(sessions.size)
    half = (len(sessions) + 1) // 2
    days = np.array([day.toordinal() for day in sessions.days], np.int64)[trades.session]
    months = (days - _DAYS_BEFORE_1970).astype("datetime64[D]").astype("datetime64[M]")
    levels, level = np.unique(np.array(trades.level, np.str_), return_inverse=True)
    size = _find_quartiles(sessions.size[trades.session], edges)
    columns: dict[str, tuple[Ints, Callable[[int], str]]] = {
        "weekday": ((days - 1) % 7, lambda code: str(code + 1)),
        "side": ((trades.side < 0) * 1, ("long", "short").__getitem__),
        "hour": (_find_hours(trades.entry_ms, zone), "{:02}".format),
        "month": (months.astype(np.int64), _write_month),
        "level": (level, lambda code: str(levels[code])),
        "size": (size, _write_size),
        "half": ((trades.session >= half) * 1, ("1", "2").__getitem__),
    }
    return Breakdowns(
        cells={name: _group(trades, *column) for name, column in columns.items()},
        size_edges=edges,
        second_half=sessions.days[half] if half < len(sessions) else None,
    )


def _group(trades: Trades, codes: Ints, write: Callable[[int], str]) -> tuple[Cell, ...]:
    if not len(codes):
        return ()
    found, group = np.unique(codes, return_inverse=True)
    counts = np.bincount(group)
    totals = np.bincount(group, trades.r)
    means = totals / counts
    columns = (
        counts,
        np.bincount(group, trades.r > 0),
        means,
        totals,
        _find_half_widths(trades, group, counts, means),
    )
    return tuple(
        Cell(
            key=write(code),
            trades=count,
            wins=int(wins),
            expectancy_r=mean,
            # Only a NaN differs from itself.
            interval=(mean - half, mean + half) if half == half else None,  # noqa: PLR0124
            total_r=total,
        )
        for code, count, wins, mean, total, half in zip(
            found.tolist(), *(column.tolist() for column in columns), strict=True
        )
    )


def _find_half_widths(trades: Trades, group: Ints, counts: Ints, means: Floats) -> Floats:
    # As averages.find_student_interval, for all groups at once; NaN where there is no interval.
    wide = int(trades.session.max()) + 1
    pairs, place = np.unique(group * wide + trades.session, return_inverse=True)
    of_pair = pairs // wide
    off = np.bincount(place, trades.r) - means[of_pair] * np.bincount(place)
    days = np.bincount(of_pair)
    known = np.maximum(days - 1, 2).astype(np.float64)
    spread = np.sqrt(np.bincount(of_pair, off**2) * days / known) / counts
    return np.where((days > 2) & (spread > NO_SPREAD), find_t95(known) * spread, np.nan)


def _find_hours(instants_ms: Ints, zone: str) -> Ints:
    # Every zone in use is whole quarters of an hour away from UTC.
    quarters, place = np.unique(instants_ms // (_QUARTER_HOUR_S * 1000), return_inverse=True)
    market = ZoneInfo(zone)
    hours = [
        datetime.fromtimestamp(one * _QUARTER_HOUR_S, market).hour for one in quarters.tolist()
    ]
    return np.array(hours, np.int64)[place]


def _find_edges(size: Floats) -> tuple[float, float, float] | None:
    known = size[np.isfinite(size)]
    if len(known) < 4:
        return None
    low, middle, high = np.percentile(known, [25, 50, 75]).tolist()
    return low, middle, high


def _find_quartiles(size: Floats, edges: tuple[float, float, float] | None) -> Ints:
    if edges is None:
        return np.full(len(size), _UNKNOWN_SIZE)
    return np.where(np.isnan(size), _UNKNOWN_SIZE, np.searchsorted(edges, size))


def _write_size(code: int) -> str:
    return UNKNOWN if code == _UNKNOWN_SIZE else str(code + 1)


def _write_month(code: int) -> str:
    return f"{1970 + code // 12}-{code % 12 + 1:02}"
