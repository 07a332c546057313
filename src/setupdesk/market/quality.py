"""Quality: what is wrong with bars, and one figure for how far a backtest can trust them.

The figure is 100 times the mean coverage of the sessions, in which a session that may not be
traded counts as nothing, times the share of bars that are not suspect. With a suspected
error of scale or clock it is never above 50, with a spike never above 95.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.clock_check import find_clock_doubts
from setupdesk.market.coverage import (
    MissingDays,
    SessionCoverage,
    Span,
    find_gaps,
    find_hole,
    measure_coverage,
)
from setupdesk.market.days import find_wall_clock, from_ms
from setupdesk.market.jumps import Jump, find_jumps
from setupdesk.market.scale import Spike, find_scale_steps, find_spikes
from setupdesk.market.sessions import Session, find_rows

Flags = NDArray[np.bool_]

_FLAT_MINUTES, _FLAT_BARS = 30, 3
_CAP, _SPIKE_CAP = 50.0, 95.0
_SHOWN = 100
_DAY_MINUTES = 24 * 60
_DAY_MS = _DAY_MINUTES * 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What bars are like, measured on the sessions of their exchange."""

    bars: int
    sessions: tuple[SessionCoverage, ...]
    gaps: tuple[Span, ...]
    """Holes inside sessions that have other bars."""

    flat_runs: tuple[Span, ...]
    """Inside sessions, half an hour or more (three bars at least) at one single price."""

    jumps: tuple[Jump, ...]
    """The bars whose true range is beyond ``JUMP`` ATR of the bar before."""

    spikes: tuple[Spike, ...]
    """The bars whose high or low no bar beside them comes near."""

    weekend_bars: int
    off_grid: int
    mixed: int
    """Bars nearer to the one before than their timeframe allows."""

    crossed: int
    """Bars whose open or close lies outside low to high."""

    zero_volume: int | None
    """None when the source has no volume."""

    suspicions: tuple[str, ...]
    """Errors of scale or clock, in words."""

    figure: float
    """0 to 100, rounded down."""

    @property
    def incomplete(self) -> tuple[SessionCoverage, ...]:
        """Give the sessions that miss bars."""
        return tuple(one for one in self.sessions if not one.complete)

    @property
    def coverage(self) -> float | None:
        """Give the share of all expected bars that is there; None without sessions."""
        expected = sum(one.expected for one in self.sessions)
        return sum(one.present for one in self.sessions) / expected if expected else None

    @property
    def hole(self) -> MissingDays | None:
        """Give the longest run of sessions without a bar, if most of what is missing is there."""
        return find_hole(self.sessions)

    def to_figure(self) -> dict[str, Any]:
        """Give the figure, and the hole that lowers it; None where none does."""
        hole = self.hole
        return {"figure": self.figure, "hole": hole.to_json() if hole else None}

    def to_json(self) -> dict[str, Any]:
        """Give all of it; of long lists the count and the first hundred."""
        return {
            **self.to_figure(),
            "bars": self.bars,
            "coverage": None if self.coverage is None else round(self.coverage, 4),
            **_count_sessions(self),
            "incomplete": [_cover_to_json(one) for one in self.incomplete],
            "gaps": _spans_to_json(self.gaps),
            "flat_runs": _spans_to_json(self.flat_runs),
            "jumps": {
                "count": len(self.jumps),
                "first": [_jump_to_json(jump) for jump in self.jumps[:_SHOWN]],
            },
            "spikes": {
                "count": len(self.spikes),
                "first": [_spike_to_json(spike) for spike in self.spikes[:_SHOWN]],
            },
            "weekend_bars": self.weekend_bars,
            "off_grid": self.off_grid,
            "mixed": self.mixed,
            "crossed": self.crossed,
            "zero_volume": self.zero_volume,
            "suspicions": list(self.suspicions),
        }

    def to_short(self) -> dict[str, Any]:
        """Give what a report says of the bars under it."""
        return {
            "figure": self.figure,
            **_count_sessions(self),
            "incomplete": [one.day.isoformat() for one in self.incomplete],
            "suspicions": list(self.suspicions),
            "sentence": _describe(self),
        }


def measure_quality(bars: Bars, symbol: Symbol, sessions: Sequence[Session]) -> Quality:
    """Measure *bars* on *sessions*, of which each is expected to have all its bars.

    Jumps do not lower the figure: more often than not they are news.
    """
    covers = measure_coverage(bars, sessions)
    flat_runs = _find_flat_runs(bars, sessions)
    spikes = find_spikes(bars)
    off_grid = _count(bars.time % min(bars.timeframe.milliseconds, Timeframe.H1.milliseconds) != 0)
    mixed = _count_mixed(bars)
    crossed = _count(
        (np.maximum(bars.open, bars.close) > bars.high)
        | (np.minimum(bars.open, bars.close) < bars.low)
    )
    weekend = _count_weekend(bars) if symbol.week == "24x5" else 0
    suspect = sum(run.bars for run in flat_runs) + off_grid + mixed + crossed + weekend
    suspect += len(spikes)
    suspicions = (
        *_suspect_scale(bars, symbol),
        *(f"clock: {says}" for says in find_clock_doubts(bars, symbol)),
    )
    return Quality(
        bars=len(bars),
        sessions=covers,
        gaps=tuple(find_gaps(bars, sessions)),
        flat_runs=tuple(flat_runs),
        jumps=tuple(find_jumps(bars)),
        spikes=tuple(spikes),
        weekend_bars=weekend,
        off_grid=off_grid,
        mixed=mixed,
        crossed=crossed,
        zero_volume=_count_zero_volume(bars),
        suspicions=suspicions,
        figure=_find_figure(
            covers, suspect, len(bars), _CAP if suspicions else _SPIKE_CAP if spikes else 100.0
        ),
    )


def _find_figure(covers: Sequence[SessionCoverage], suspect: int, bars: int, most: float) -> float:
    shares = [min(one.share, 1.0) if one.tradable else 0.0 for one in covers]
    if not shares or not bars:
        return 0.0
    sound = max(1 - suspect / bars, 0.0)
    figure = 100 * sum(shares) / len(shares) * sound
    # Rounded down, so that 100 means that nothing at all is missing.
    return floor(10 * min(figure, most)) / 10


def _count(flags: Flags) -> int:
    return int(np.count_nonzero(flags))


def _count_mixed(bars: Bars) -> int:
    # A day of 23 hours shortens a D1 bar and the last H4 bar of a round-the-clock market.
    coarse = bars.timeframe.minutes > Timeframe.H1.minutes
    slack = Timeframe.H1.milliseconds if coarse else 0
    return _count(np.diff(bars.time) < bars.timeframe.milliseconds - slack)


def _count_weekend(bars: Bars) -> int:
    # New York's Saturday, and its Sunday until an hour before the week begins at 17:00. A D1
    # bar opens on the evening before its day.
    if bars.timeframe is Timeframe.D1:
        return 0
    local = find_wall_clock(bars.time, "America/New_York")
    # 1970-01-01 was a Thursday: Monday is 0.
    weekday = (local // _DAY_MS + 3) % 7
    minute = local // 60_000 % _DAY_MINUTES
    return _count((weekday == 5) | ((weekday == 6) & (minute < 16 * 60)))


def _count_zero_volume(bars: Bars) -> int | None:
    if np.isnan(bars.volume).all():
        return None
    return _count(bars.volume == 0)


def _find_flat_runs(bars: Bars, sessions: Sequence[Session]) -> list[Span]:
    bar_ms = bars.timeframe.milliseconds
    first, stop = find_rows(bars.time, sessions)
    inside = np.zeros(len(bars) + 1, np.int64)
    np.add.at(inside, first, 1)
    np.add.at(inside, stop, -1)
    flat = (bars.high == bars.low) & (np.cumsum(inside)[:-1] > 0)
    rows = np.flatnonzero(flat)
    if not len(rows):
        return []
    goes_on = (
        (np.diff(rows) == 1)
        & (np.diff(bars.time[rows]) == bar_ms)
        & (np.diff(bars.close[rows]) == 0)
    )
    starts = np.flatnonzero(np.append(True, ~goes_on))
    lengths = np.diff(np.append(starts, len(rows)))
    longest = max(_FLAT_BARS, -(-_FLAT_MINUTES // bars.timeframe.minutes))
    return [
        Span(int(bars.time[rows[start]]), int(length))
        for start, length in zip(starts, lengths, strict=True)
        if length >= longest
    ]


def _suspect_scale(bars: Bars, symbol: Symbol) -> list[str]:
    if not len(bars):
        return []
    return [*_suspect_range(bars, symbol), *_suspect_steps(bars, symbol)]


def _suspect_range(bars: Bars, symbol: Symbol) -> list[str]:
    price = float(np.median(bars.close)) * bars.tick
    low, high = symbol.price_range
    if low <= price <= high:
        return []
    return [
        f"scale: its median price is {price:,.10g}; {symbol.name} is {low:,.10g} to {high:,.10g}"
    ]


def _suspect_steps(bars: Bars, symbol: Symbol) -> list[str]:
    # No import lets them pass, but two files that do not meet are merged as they are.
    if bars.close.min() <= 0:
        return []
    steps = find_scale_steps(bars.time, bars.close, bars.timeframe, symbol.week)
    rows = np.flatnonzero(steps)
    return [
        f"scale: the close goes from {bars.close[row - 1] * bars.tick:,.10g} to "
        f"{bars.close[row] * bars.tick:,.10g} at {_write_time(int(bars.time[row]))}"
        for row in rows[:1].tolist()
    ]


def _count_sessions(quality: Quality) -> dict[str, int]:
    return {
        "sessions": len(quality.sessions),
        "complete": len(quality.sessions) - len(quality.incomplete),
        "not_tradable": sum(not one.tradable for one in quality.sessions),
    }


def _describe(quality: Quality) -> str:
    missing = quality.incomplete
    names = ", ".join(one.day.isoformat() for one in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    count = len(quality.sessions)
    return "".join(
        (
            f"{count - len(missing)} of {count} sessions complete" if count else "no session",
            f", not {names}{more}" if missing else "",
            f"; history quality {quality.figure:g} of 100",
            f"; {_count_spikes(quality.spikes)}" if quality.spikes else "",
            *(f"; suspected {word}" for word in quality.suspicions),
        )
    )


def _count_spikes(spikes: Sequence[Spike]) -> str:
    more = f" and {len(spikes) - 1:,} more" if len(spikes) > 1 else ""
    return f"a spike to {spikes[0].price:,.10g} at {_write_time(spikes[0].at_ms)}{more}"


def _jump_to_json(one: Jump) -> dict[str, Any]:
    return {
        "at": _write_time(one.at_ms),
        "points": round(one.points, 10),
        "ranges": round(one.ranges, 1),
    }


def _spike_to_json(one: Spike) -> dict[str, Any]:
    return {
        "at": _write_time(one.at_ms),
        "price": round(one.price, 10),
        "beside": round(one.beside, 10),
        "points": round(one.size, 10),
    }


def _cover_to_json(one: SessionCoverage) -> dict[str, Any]:
    return {"day": one.day.isoformat(), "present": one.present, "expected": one.expected}


def _spans_to_json(spans: Sequence[Span]) -> dict[str, Any]:
    first = [{"at": _write_time(one.starts_ms), "bars": one.bars} for one in spans[:_SHOWN]]
    return {"count": len(spans), "bars": sum(one.bars for one in spans), "first": first}


def _write_time(instant_ms: int) -> str:
    return f"{from_ms(instant_ms):%Y-%m-%dT%H:%M:%SZ}"
