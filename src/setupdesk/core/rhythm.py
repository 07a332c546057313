"""Rhythms: when a Schedule is due, by a cron expression, by real time, or as bars close."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from setupdesk.core.symbol import NEW_YORK_ROLL, Roll
from setupdesk.core.timeframe import Timeframe

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND, _MINUTE, _DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)

SHORTEST, LONGEST = _MINUTE, _DAY
"""Of ``every``."""

SHORTEST_LIVE = _SECOND
"""Of requests that look at now."""


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields as Debian's cron reads them, on the wall clock of a zone.

    A fixed time comes once a local day: in a skipped hour at the first minute after it, in a
    repeated hour the first time. With a star in minute or hour, ticks are spaced as time passes.
    """

    expression: str
    zone: str

    def after(self, instant: datetime) -> Iterator[datetime]:
        """Give every tick after *instant*, in UTC, in order."""
        newest = instant
        for tick in self._walk(instant):
            if tick > newest:
                newest = tick
                yield tick

    def _walk(self, instant: datetime) -> Iterator[datetime]:
        minute, hour, *_ = self.expression.split()
        if minute.startswith("*") or hour.startswith("*"):
            return self._walk_as_time_passes(instant)
        zone = ZoneInfo(self.zone)
        wall = instant.astimezone(zone).replace(tzinfo=None)
        return (_first_instant(tick, zone) for tick in CronSim(self.expression, wall))

    def _walk_as_time_passes(self, instant: datetime) -> Iterator[datetime]:
        zone, begin = ZoneInfo(self.zone), instant
        while True:
            # Within a day of one offset the wall clock is UTC and that offset.
            offset, end = _offset(begin, zone), _find_end(begin, zone)
            wall = (begin + offset).replace(tzinfo=None) - _SECOND
            tick = None
            for naive in CronSim(self.expression, wall):
                tick = naive.replace(tzinfo=UTC) - offset
                if tick >= end:
                    break
                yield tick
            if tick is None:
                return
            begin = max(end, tick - 2 * _DAY)


@dataclass(frozen=True, slots=True)
class Every:
    """A span of real time, counted from midnight UTC of 1970; no change of clocks moves it."""

    span: timedelta
    offset: timedelta = timedelta()

    def after(self, instant: datetime) -> Iterator[datetime]:
        """Give every tick after *instant*, in UTC, in order."""
        count = (instant - _EPOCH - self.offset) // self.span
        while True:
            count += 1
            yield _EPOCH + self.offset + count * self.span


@dataclass(frozen=True, slots=True)
class AtBarClose:
    """The close of each bar, and *offset* later: M1 to H1 lie on the UTC grid, others at the roll.

    The bars are those of ``market.resample``.
    """

    timeframe: Timeframe
    offset: timedelta = timedelta()
    roll: Roll = NEW_YORK_ROLL

    def after(self, instant: datetime) -> Iterator[datetime]:
        """Give every tick after *instant*, in UTC, in order."""
        if self.timeframe.minutes <= Timeframe.H1.minutes:
            return Every(timedelta(minutes=self.timeframe.minutes), self.offset).after(instant)
        closes = self._closes(instant - self.offset)
        return (close + self.offset for close in closes if close + self.offset > instant)

    def _closes(self, instant: datetime) -> Iterator[datetime]:
        rolls = Cron(f"{self.roll.at.minute} {self.roll.at.hour} * * *", self.roll.zone)
        if self.timeframe is Timeframe.D1:
            yield from rolls.after(instant)
            return
        days = rolls.after(instant - 2 * _DAY)
        begin = next(days)
        for end in days:
            while begin < end:
                yield begin
                begin += timedelta(minutes=self.timeframe.minutes)
            begin = end


Rhythm = Cron | Every | AtBarClose


def find_before(rhythm: Rhythm, tick: datetime) -> datetime | None:
    """Find the tick before *tick*; None where there was none for nine years."""
    for days in (0.05, 1.1, 8, 32, 367, 3300):
        found = None
        for one in rhythm.after(tick - timedelta(days=days)):
            if one >= tick:
                break
            found = one
        if found:
            return found
    return None


def find_mistake(expression: str) -> str | None:
    """Say what is wrong with a cron expression; None where nothing is."""
    if len(expression.split()) != 5 or len(expression) > 200:
        return "it takes five fields: minute, hour, day of month, month, day of week"
    try:
        next(CronSim(expression, datetime(2024, 1, 1)))  # noqa: DTZ001 (a wall clock)
    except CronSimError as wrong:
        return str(wrong).replace("Bad ", "a wrong ")
    except (StopIteration, ValueError, AssertionError):
        return "no day is such a day"
    return None


def read_span(text: str) -> timedelta | None:
    """Read ``30s``, ``5m``, ``1h`` or ``2d``."""
    found = re.fullmatch(r"\s*([0-9]{1,5})\s*([smhd])\s*", text)
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None


def write_span(span: timedelta) -> str:
    """Write what ``read_span`` reads, in the largest unit that takes no fraction."""
    seconds = round(span.total_seconds())
    sizes = (("d", 86_400), ("h", 3_600), ("m", 60))
    unit, size = next(((u, s) for u, s in sizes if seconds and seconds % s == 0), ("s", 1))
    return f"{seconds // size}{unit}"


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def _find_end(begin: datetime, zone: ZoneInfo) -> datetime:
    """Find until when the offset of *begin* holds, at most a day later; to the second."""
    offset, low, high = _offset(begin, zone), begin.replace(microsecond=0), begin + _DAY
    if _offset(high, zone) == offset:
        return high
    while high - low > _SECOND:
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
    return high.replace(microsecond=0)


def _first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    while True:
        instant = wall.replace(tzinfo=zone).astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == wall:
            return instant
        # The clock of the zone never shows it: what was due then is due when it goes on.
        wall += _MINUTE
