"""Overlaps: where bars meet those that are stored, and why they may disagree."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.days import day_of

Flags = NDArray[np.bool_]

_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000
_COLUMNS = ("time", "open", "high", "low", "close", "volume")
_PRICES = ("open", "high", "low", "close")
_MANY = 20
"""Fewer bars prove nothing."""

_FARTHEST_HOURS = 14
_CLOCKS = 2
"""A wrong clock is off by one number of hours in winter and by another in summer."""

_SOME, _MOST = 0.1, 0.8
_OTHER_SYMBOL = 0.05
"""Two sources of one market are never so far apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """What new bars change in those that are stored."""

    shared: int
    """New bars that meet a stored one."""

    disagreeing: Bars
    """Of these, the ones with other prices, or, on H4 and D1, with another open."""

    brought: Bars
    """All that are new or different, also by their volume alone."""

    other_volume: int
    """Bars of the same prices with another volume."""

    cause: str
    """Why so many disagree, as a sentence; empty where few do."""

    @property
    def is_other_series(self) -> bool:
        """Say whether the two are clearly not the same bars."""
        return self.shared >= _MANY and 2 * len(self.disagreeing) > self.shared

    def days(self, zone: str) -> list[date]:
        """List the dates in a zone on which they disagree."""
        # The middle of a bar: a D1 bar opens on the evening before, or at midnight elsewhere.
        bars = self.disagreeing
        middles = (bars.time + bars.timeframe.milliseconds // 2) // _HOUR_MS
        return sorted({day_of(int(hour) * _HOUR_MS, zone) for hour in np.unique(middles)})


def find_overlap(stored: Bars, bars: Bars) -> Overlap:
    """Compare *bars* with the stored ones of the same symbol, timeframe and tick."""
    rows, meets = _meet(bars, stored)
    same = (stored.time[rows] == bars.time) & _agree(stored, rows, bars)
    disagrees = meets & ~same
    other_volume = same & (bars.volume != stored.volume[rows]) & ~np.isnan(bars.volume)
    disagreeing = bars.take(disagrees)
    return Overlap(
        shared=int(np.count_nonzero(meets)),
        disagreeing=disagreeing,
        brought=bars.take(~same | other_volume),
        other_volume=int(np.count_nonzero(other_volume)),
        cause=_explain(stored, disagreeing) if len(disagreeing) >= _MANY else "",
    )


def lay_over(stored: Bars, bars: Bars) -> Bars:
    """Put *bars* over the stored ones: where two meet, the new one stands.

    A bar without volume keeps that of the stored one.
    """
    rows, _ = _meet(bars, stored)
    known = np.isnan(bars.volume) & (stored.time[rows] == bars.time)
    volume = np.where(known, stored.volume[rows], bars.volume)
    kept = stored.take(~_meet(stored, bars)[1])
    order = np.argsort(np.concatenate((kept.time, bars.time)), kind="stable")
    laid = replace(bars, volume=volume)
    columns = (
        np.concatenate((getattr(kept, name), getattr(laid, name)))[order] for name in _COLUMNS
    )
    return Bars(bars.timeframe, bars.tick, *columns)


def _meet(bars: Bars, others: Bars) -> tuple[Ints, Flags]:
    # For each bar, the nearest of the others, and whether the two cover the same time.
    after = np.minimum(np.searchsorted(others.time, bars.time), len(others) - 1)
    before = np.maximum(after - 1, 0)
    rows = np.where(
        np.abs(others.time[before] - bars.time) < np.abs(others.time[after] - bars.time),
        before,
        after,
    )
    return rows, np.abs(others.time[rows] - bars.time) <= _reach(bars.timeframe)


def _reach(timeframe: Timeframe) -> int:
    # H4 and D1 open at different hours with every broker; a change of the clocks may make
    # one an hour shorter. All other bars stand on one grid.
    is_coarse = timeframe.minutes > Timeframe.H1.minutes
    return timeframe.milliseconds - _HOUR_MS - 1 if is_coarse else 0


def _agree(stored: Bars, rows: Ints, bars: Bars) -> Flags:
    equal = [getattr(stored, name)[rows] == getattr(bars, name) for name in _PRICES]
    return np.asarray(np.all(equal, axis=0))


def _explain(stored: Bars, bars: Bars) -> str:
    shifts = _find_shifts(stored, bars)
    if shifts:
        return _explain_shifts(shifts, bars.timeframe)
    rows, _ = _meet(bars, stored)
    theirs, ours = stored.close[rows], bars.close
    ratio = float(np.median(ours / theirs))
    power = round(np.log10(ratio))
    if power and abs(np.log10(ratio) - power) < 0.02:
        return f"Its prices are {10.0**power:,g} times the stored ones: they have another scale."
    if abs(ratio - 1) > _OTHER_SYMBOL:
        return f"Its prices are {ratio:.3g} times the stored ones: is it another symbol?"
    apart = [np.abs(getattr(bars, name) - getattr(stored, name)[rows]) for name in _PRICES]
    points = float(np.median(np.max(apart, axis=0))) * bars.tick
    return (
        f"Half of these bars differ by {points:.3g} points or more: another source, such as "
        f"another broker, or ask prices."
    )


def _explain_shifts(shifts: Sequence[int], timeframe: Timeframe) -> str:
    side = "later" if shifts[0] > 0 else "earlier"
    says = f"The same prices are stored {_show_shifts(shifts)} {side}"
    if [abs(each) for each in shifts] != [timeframe.minutes]:
        return f"{says}: one of the two was read with a wrong clock."
    where = f"The same prices are stored one bar {side}"
    if timeframe is Timeframe.H1:
        return f"{where}: one of the two was read with a wrong clock, or is stamped at close."
    if side == "earlier":
        return (
            f"{where}: this file is stamped at close, as the stored one is not or was converted. "
            f"Give --stamped-at close."
        )
    return (
        f"{where}: the stored ones were stamped at close and read as stamped at open. Give "
        f"--replace, with --stamped-at close if this is the same file."
    )


def _show_shifts(shifts: Sequence[int]) -> str:
    if any(each % 60 for each in shifts):
        return f"{' or '.join(str(abs(each)) for each in shifts)} minutes"
    hours = " or ".join(str(abs(each) // 60) for each in shifts)
    return f"{hours} {'hour' if hours == '1' else 'hours'}"


def _find_shifts(stored: Bars, bars: Bars) -> list[int]:
    found: dict[int, Flags] = {}
    has_partner = np.zeros(len(bars), np.bool_)
    for minutes in _list_shifts(bars.timeframe):
        wanted = bars.time + minutes * _MINUTE_MS
        rows = np.minimum(np.searchsorted(stored.time, wanted), len(stored) - 1)
        is_there = stored.time[rows] == wanted
        equal = is_there & _agree(stored, rows, bars)
        if np.mean(equal) >= _SOME:
            found[minutes] = equal
            has_partner |= is_there
    best = sorted(found, key=lambda each: -int(np.count_nonzero(found[each])))[:_CLOCKS]
    needed = _MOST * np.count_nonzero(has_partner)
    for chosen in (best[:1], best):
        explained = np.any([found[each] for each in chosen], axis=0)
        is_one_way = len({each > 0 for each in chosen}) == 1
        if is_one_way and np.count_nonzero(explained) >= needed:
            return sorted(chosen, key=abs)
    return []


def _list_shifts(timeframe: Timeframe) -> list[int]:
    # Minutes: whole hours of a wrong clock, one bar, and the quarter hours of a mishap.
    sizes = {60 * hours for hours in range(1, _FARTHEST_HOURS + 1)}
    if timeframe.minutes < Timeframe.H1.minutes:
        sizes |= {timeframe.minutes, 15, 30, 45}
    return [sign * size for size in sorted(sizes) for sign in (-1, 1)]
