"""References: bars of the same symbol that are known to be in UTC tell the clock of others.

Returns of the same minutes correlate, those an hour apart do not. Two clocks are compared on
the bars alone on which they differ: NY+7 and Europe/Athens agree in eleven months of twelve.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.market.clock import Clock, parse_clock
from setupdesk.market.resample import resample
from setupdesk.market.week import log_returns

_MIN_CORRELATION = 0.3
_MIN_RATIO = 3.0
_MIN_RETURNS = 50
_MOST_BARS = 200_000
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The clock that a reference names."""

    clock: Clock
    correlation: float
    twins: tuple[str, ...]
    """Clocks that are the same on all bars that overlap."""

    says: str


def compare_with_reference(wall: Bars, reference: Bars, clocks: Sequence[Clock]) -> Verdict | None:
    """Find the clock with which the returns of *wall* are those of *reference*, if one does."""
    size = max(wall.timeframe, reference.timeframe, key=lambda each: each.minutes)
    if size.minutes > 60 or not len(reference):
        return None
    known = resample(reference, size, "24x7")
    near = wall.time[(wall.time > known.time[0] - _DAY_MS) & (wall.time < known.time[-1] + _DAY_MS)]
    if not len(near):
        return None
    stop = int(np.flatnonzero(wall.time == near[-1])[-1]) + 1
    part = wall[max(stop - min(len(near), _MOST_BARS), 0) : stop]
    return _judge(part, known, clocks) or _judge(part, known, _fixed_clocks())


def _fixed_clocks() -> list[Clock]:
    halves = [(half, "-" if half < 0 else "+") for half in range(-24, 29)]
    return [parse_clock(f"{sign}{abs(half) // 2}:{abs(half) % 2 * 30:02}") for half, sign in halves]


@dataclass(frozen=True, slots=True)
class _Matched:
    # Returns of both series in the rows of the file that have one.
    clock: Clock
    utc: Ints
    own: Floats
    known: Floats

    def correlate(self, rows: NDArray[np.bool_]) -> float:
        chosen = rows & ~np.isnan(self.own)
        if np.count_nonzero(chosen) < _MIN_RETURNS:
            return 0.0
        own, known = self.own[chosen], self.known[chosen]
        if not own.std() or not known.std():
            return 0.0
        return float(np.corrcoef(own, known)[0, 1])


def _judge(wall: Bars, known: Bars, clocks: Sequence[Clock]) -> Verdict | None:
    everywhere = np.ones(len(wall), np.bool_)
    matched = [_match(wall, known, clock) for clock in clocks]
    best = max(matched, key=lambda each: each.correlate(everywhere))
    correlation = best.correlate(everywhere)
    twins: list[str] = []
    second = 0.0
    for other in matched:
        differ = (other.utc != best.utc) & ~(np.isnan(best.own) & np.isnan(other.own))
        own = best.correlate(differ)
        if other is best:
            continue
        if np.count_nonzero(differ) < _MIN_RETURNS:
            twins.append(other.clock.name)
            continue
        rival = max(other.correlate(differ), 0.0)
        if own <= _MIN_CORRELATION or own < _MIN_RATIO * rival:
            return None
        second = max(second, rival)
    if correlation <= _MIN_CORRELATION:
        return None
    count = int(np.count_nonzero(~np.isnan(best.own)))
    says = (
        f"As {best.clock.name} {count:,} returns correlate {correlation:.2f} with the stored bars, "
        f"where the next clock differs at most {second:.2f}."
    )
    return Verdict(clock=best.clock, correlation=correlation, twins=tuple(twins), says=says)


def _match(wall: Bars, known: Bars, clock: Clock) -> _Matched:
    utc = clock.to_utc_ms(wall.time)
    empty = np.full(len(utc), np.nan)
    found = _Matched(clock, utc, empty, empty.copy())
    order = np.unique(utc, return_index=True)[1]
    mine = replace(wall, time=utc)
    sorted_bars = Bars(
        mine.timeframe,
        mine.tick,
        *(
            getattr(mine, name)[order]
            for name in ("time", "open", "high", "low", "close", "volume")
        ),
    )
    coarse = resample(sorted_bars, known.timeframe, "24x7")
    _, own, other = np.intersect1d(coarse.time, known.time, assume_unique=True, return_indices=True)
    if len(own) < 2:
        return found
    together = np.diff(coarse.time[own]) == known.timeframe.milliseconds
    together &= np.diff(own) == 1
    # The row that a coarse bar began with stands for it.
    rows = order[np.searchsorted(sorted_bars.time, coarse.time[own[1:]][together])]
    found.own[rows] = log_returns(coarse.close[own])[together]
    found.known[rows] = log_returns(known.close[other])[together]
    return found
