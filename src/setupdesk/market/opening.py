"""Openings: when in the day the bars of a market become wide, to compare with its session.

At the opening of the cash session bars become wider than at any other time. That tells a
clock to the bar, also where the market is traded round the clock.
"""

from dataclasses import dataclass
from datetime import time

import numpy as np

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.market.clock import Clock

_DAY_MINUTES = 24 * 60
_DAYS = 20
"""Fewer days tell nothing: their news is louder than the opening."""

_MOST_BARS = 100_000
FINEST = 5
"""Minutes; the widest single minute of a day is often another one than the first."""

_WIDE = 0.7
"""Bars of an opening have at least this share of the day's widest typical range."""

_STEP = 0.35
"""The least step to an opening, as a share of the widest range."""

_FAINT = 0.25
"""The session's own opening need have only this share of the greatest step: it has rivals."""

_MOST_DAYS = 0.75
"""On so many of the days must the first bar of an opening be wider than the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The minute of the day at which bars become wide, and when the session opens."""

    minute: int
    expected: int
    zone: str

    @property
    def late(self) -> int:
        """Give the minutes by which the bars are behind the session; negative when before."""
        half = _DAY_MINUTES // 2
        return (self.minute - self.expected + half) % _DAY_MINUTES - half

    def explain(self) -> str:
        """Say it in a sentence without its end."""
        return (
            f"bars become wide at {show_time_of_day(self.minute)} {self.zone}, but the session "
            f"opens at {show_time_of_day(self.expected)}"
        )


def find_opening(bars: Bars, symbol: Symbol) -> Opening | None:
    """Find the opening of *bars*, which are in UTC; None where they cannot tell.

    They cannot on H4 and D1, in fewer than 20 days, and where a market has no cash session.
    """
    opens, closes = minute_of_day(symbol.session.start), minute_of_day(symbol.session.end)
    if closes <= opens or bars.timeframe.minutes > Timeframe.H1.minutes:
        return None
    bars = bars[-_MOST_BARS:]
    zone = symbol.session.zone
    minutes = Clock(zone, zone).to_wall_ms(bars.time) // 60_000
    if len(np.unique(minutes // _DAY_MINUTES)) < _DAYS:
        return None
    size = max(bars.timeframe.minutes, FINEST)
    typical = _measure_day(minutes % _DAY_MINUTES // size, bars.high - bars.low, size)
    steps = _find_steps(typical)
    # An opening that is not on the grid widens its own bar, or the next one.
    own = steps[[opens // size, -(-opens // size)]].max()
    minute = opens if own >= _FAINT * steps.max() else int(np.argmax(steps)) * size
    if steps.max() < _STEP or (minute != opens and not _is_usual(bars, minutes, minute)):
        return None
    return Opening(minute=minute, expected=opens, zone=zone)


def minute_of_day(at: time) -> int:
    """Give the minutes since midnight."""
    return at.hour * 60 + at.minute


def show_time_of_day(minute: int) -> str:
    """Write a minute of the day, as ``09:30``."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _find_steps(typical: Floats) -> Floats:
    before = np.roll(typical, 1)
    steps = np.where(typical >= _WIDE, typical - before, 0)
    # Where a market is traded most of the day, it reopens after a pause: that is no opening.
    is_round_the_clock = np.count_nonzero(typical) > len(typical) / 2
    return np.where(is_round_the_clock & (before == 0), 0, steps)


def _is_usual(bars: Bars, minutes: Ints, minute: int) -> bool:
    # A few wide days move a median, and noise has its steps too.
    first = np.flatnonzero(minutes[1:] % _DAY_MINUTES == minute) + 1
    first = first[np.diff(bars.time)[first - 1] == bars.timeframe.milliseconds]
    ranges = bars.high - bars.low
    return not len(first) or float(np.mean(ranges[first] > ranges[first - 1])) >= _MOST_DAYS


def _measure_day(slots: Ints, ranges: Ints, size: int) -> Floats:
    # The typical range in each part of the day, as a share of the widest. The median, for one
    # day of news must not move the opening.
    order = np.argsort(slots.astype(np.int16), kind="stable")
    names, starts = np.unique(slots[order], return_index=True)
    groups = np.split(ranges[order], starts[1:])
    often = max(map(len, groups)) / 2
    typical = np.zeros(_DAY_MINUTES // size)
    for name, group in zip(names, groups, strict=True):
        if len(group) >= often:
            typical[name] = np.median(group)
    return typical / max(typical.max(), 1.0)
