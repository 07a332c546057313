"""Clocks: the wall clock of a source, and the way from its times to UTC and back.

MetaTrader hands out the wall time of the broker's server, often "New York + 7 h", which no
IANA zone is. Zones are asked once a day of the data's years, never once a bar.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
from numpy.typing import NDArray

from setupdesk.market.bars import Ints

_HOUR_MS = 3_600_000
_YEAR_MS = 31_556_952_000
_UTC_NAMES = ("UTC", "GMT", "Z", "ETC/UTC", "ETC/GMT")
_SHIFTED = re.compile(r"^(?:NY|NEW YORK|AMERICA/NEW_YORK)\s*\+\s*7\s*H?$")
_OFFSET = re.compile(r"^(?:UTC|GMT)?\s*([+-])\s*(\d{1,2})(?::?([0-5]\d))?$")


@dataclass(frozen=True, slots=True)
class Clock:
    """A wall clock: that of *zone*, *shift_ms* ahead.

    A time that exists twice (autumn) is told apart by the order of the bars. One that does
    not exist (spring; servers that change late do write it) is read as if the clock had not
    been put forward yet: ``is_skipped`` finds those.
    """

    name: str
    zone: str
    shift_ms: int = 0

    def to_utc_ms(self, wall_ms: Ints) -> Ints:
        """Give the instants of wall times; these stand in the order of the file."""
        local = wall_ms - self.shift_ms
        changes = _find_changes(self.zone, local)
        # From this local time on the offset of the row counts; before it, the row above's.
        turns = changes.at_ms + np.maximum(changes.before_ms, changes.after_ms)
        utc_ms = local - _look_up(changes, turns, local)
        for turn in np.flatnonzero(changes.after_ms < changes.before_ms):
            begin = changes.at_ms[turn] + changes.after_ms[turn]
            rows = np.flatnonzero((local >= begin) & (local < turns[turn]))
            if len(rows):
                step = changes.before_ms[turn] - changes.after_ms[turn]
                utc_ms[rows[_find_second_pass(local, rows, int(step))]] += step
        return utc_ms

    def to_wall_ms(self, utc_ms: Ints) -> Ints:
        """Give what this clock shows at the instants *utc_ms*."""
        changes = _find_changes(self.zone, utc_ms)
        return utc_ms + _look_up(changes, changes.at_ms, utc_ms) + self.shift_ms

    def is_skipped(self, wall_ms: Ints) -> NDArray[np.bool_]:
        """Say which wall times do not exist: the clock was put forward over them."""
        local = wall_ms - self.shift_ms
        changes = _find_changes(self.zone, local)
        skipped = np.zeros(len(local), np.bool_)
        for turn in np.flatnonzero(changes.after_ms > changes.before_ms):
            begin = changes.at_ms[turn] + changes.before_ms[turn]
            skipped |= (local >= begin) & (local < changes.at_ms[turn] + changes.after_ms[turn])
        return skipped

    def changes_ms(self, utc_ms: Ints) -> Ints:
        """Give the instants at which this clock is changed, within the span of *utc_ms*."""
        if not len(utc_ms):
            return np.empty(0, np.int64)
        at_ms = _find_changes(self.zone, utc_ms).at_ms
        return at_ms[(at_ms > utc_ms.min()) & (at_ms < utc_ms.max())]


NEW_YORK = Clock("America/New_York", "America/New_York")


def parse_clock(text: str) -> Clock:
    """Read ``UTC``, an IANA zone, an offset such as ``+02:00`` or ``UTC+2``, or ``NY+7``.

    Raises ``ValueError`` whose message says what would do.
    """
    wanted = text.strip().upper()
    if wanted in _UTC_NAMES:
        return Clock("UTC", "UTC")
    if _SHIFTED.match(wanted):
        return Clock("NY+7", NEW_YORK.zone, 7 * _HOUR_MS)
    offset = _OFFSET.match(wanted)
    if offset is not None:
        return _parse_offset(text, *offset.groups())
    zone = _zones().get(wanted)
    if zone is None:
        raise ValueError(_refusal(text))
    return Clock(zone, zone)


def _parse_offset(text: str, sign: str, hours: str, minutes: str | None) -> Clock:
    total = int(hours) * 60 + int(minutes or 0)
    if total > 14 * 60:
        raise ValueError(_refusal(text))
    if not total:
        return Clock("UTC", "UTC")
    name = f"{sign}{total // 60:02}:{total % 60:02}"
    return Clock(name, "UTC", total * 60_000 * (-1 if sign == "-" else 1))


def _refusal(text: str) -> str:
    near = get_close_matches(text.strip().upper(), _zones(), n=1)
    meant = f" Did you mean {_zones()[near[0]]!r}?" if near else ""
    return (
        f"the clock {text!r} is not known.{meant} "
        f"Give UTC, an IANA zone such as Europe/Athens, an offset such as +02:00, or NY+7."
    )


@cache
def _zones() -> dict[str, str]:
    # "localtime" would mean another clock on every machine.
    names = available_timezones() - {"localtime", "Factory"}
    return {name.upper(): name for name in sorted(names)}


@dataclass(frozen=True, slots=True)
class _Changes:
    # The offset is ``after_ms`` from ``at_ms`` on, and ``before_ms`` just before it.
    at_ms: Ints
    before_ms: Ints
    after_ms: Ints


_NEVER = _Changes(*np.zeros((3, 1), np.int64))


def _look_up(changes: _Changes, turns: Ints, stamps: Ints) -> Ints:
    if len(changes.at_ms) == 1:
        return np.broadcast_to(changes.after_ms, len(stamps))
    offsets = np.append(changes.before_ms[:1], changes.after_ms)
    return offsets[np.searchsorted(turns, stamps, side="right")]


def _find_changes(zone: str, stamps: Ints) -> _Changes:
    # Only the years that are there, and their neighbours: one wrong stamp may lie far away.
    if zone == "UTC" or not len(stamps):
        return _NEVER
    low, high = int(stamps.min()) // _YEAR_MS, int(stamps.max()) // _YEAR_MS
    is_wide = high - low > 100
    found = 1970 + (np.unique(stamps // _YEAR_MS) if is_wide else np.arange(low, high + 1))
    near = np.unique(np.concatenate((found - 1, found, found + 1)))
    years = near[(near > 1) & (near < 9998)].tolist() or [1970]
    rows = [row for year in years for row in _changes_of_year(zone, year)]
    at_ms, before_ms, after_ms = np.array(rows, np.int64).T
    return _Changes(at_ms, before_ms, after_ms)


@cache
def _changes_of_year(zone: str, year: int) -> tuple[tuple[int, int, int], ...]:
    # The first row is the begin of the year itself: the years before it may be missing.
    where = ZoneInfo(zone)
    begin = round(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    stop = round(datetime(year + 1, 1, 1, tzinfo=UTC).timestamp())
    days = [*range(begin, stop, 86_400), stop]
    offsets = [_offset_s(day, where) for day in days]
    rows = [(begin, offsets[0], offsets[0])]
    for place in range(1, len(days)):
        if offsets[place] != offsets[place - 1]:
            at = _bisect(days[place - 1], days[place], where)
            rows.append((at, offsets[place - 1], offsets[place]))
    return tuple((at * 1000, before * 1000, after * 1000) for at, before, after in rows)


def _bisect(low: int, high: int, where: ZoneInfo) -> int:
    before = _offset_s(low, where)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset_s(middle, where) == before else (low, middle)
    return high


def _offset_s(instant: int, where: ZoneInfo) -> int:
    moment = datetime.fromtimestamp(instant, UTC).astimezone(where)
    return int((moment.utcoffset() or timedelta()).total_seconds())


def _find_second_pass(local: Ints, rows: Ints, step: int) -> NDArray[np.bool_]:
    # Of *rows*, whose times exist twice: which belong to the second time. Each run of rows
    # that stand together in the file is told apart alone: files are glued from parts.
    second = np.zeros(len(rows), np.bool_)
    cuts = [0, *(np.flatnonzero(np.diff(rows) > 1) + 1).tolist(), len(rows)]
    backwards = _is_newest_first(local)
    for start, stop in pairwise(cuts):
        first, last = int(rows[start]), int(rows[stop - 1])
        around = local[max(first - 1, 0) : last + 2]
        has_before, has_after = first > 0, last + 1 < len(local)
        if backwards:
            around, has_before, has_after = around[::-1], has_after, has_before
        flags = _split_run(around, step, has_before=has_before, has_after=has_after)
        second[start:stop] = flags[::-1] if backwards else flags
    return second


def _is_newest_first(local: Ints) -> bool:
    return int(np.count_nonzero(np.diff(local) < 0)) * 2 > len(local)


def _split_run(around: Ints, step: int, *, has_before: bool, has_after: bool) -> NDArray[np.bool_]:
    # *around* is a run, oldest first, with the row before and the one after where there are.
    run = around[int(has_before) : len(around) - int(has_after)]
    steps = np.diff(run)
    for turned in (steps < 0, steps == 0):
        if turned.any():
            return np.arange(len(run)) > np.argmax(turned)
    before = int(run[0] - around[0]) if has_before else step * 24
    after = int(around[-1] - run[-1]) if has_after else step * 24
    # The hour was written once: it belongs to the side to which it joins without a hole.
    return np.full(len(run), before > after)
