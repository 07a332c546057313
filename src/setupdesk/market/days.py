"""Days of a market: between dates in its zone and instants in UTC."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import numpy as np

from setupdesk.market.bars import Ints

_DAY_MS = 86_400_000
_DAYS_BEFORE_1970 = date(1970, 1, 1).toordinal()


def is_zone(name: str) -> bool:
    """Say whether *name* is an IANA time zone."""
    return name in _list_zones()


def midnight_ms(day: date, zone: str) -> int:
    """Give the instant at which a date begins in a zone, in UTC milliseconds."""
    return to_ms(datetime.combine(day, time(), ZoneInfo(zone)))


def day_of(instant_ms: int, zone: str) -> date:
    """Give the date in a zone at an instant."""
    return from_ms(instant_ms).astimezone(ZoneInfo(zone)).date()


def to_ms(moment: datetime) -> int:
    """Give an aware time as UTC milliseconds."""
    return round(moment.timestamp() * 1000)


def from_ms(instant_ms: int) -> datetime:
    """Give UTC milliseconds as an aware time in UTC."""
    return datetime.fromtimestamp(instant_ms / 1000, UTC)


def find_instants_ms(days: Ints, at: time, zone: str) -> Ints:
    """Give the instants at which the clocks of *zone* show *at* on *days*, in UTC milliseconds.

    Days are ordinals of dates. A zone is asked once for the days of a year and not again, for
    a look-up costs more than all the rest of a session.
    """
    if not len(days):
        return np.empty(0, np.int64)
    first, last = (date.fromordinal(int(edge)).year for edge in (days.min(), days.max()))
    known = np.concatenate([_ask_year(year, at, zone) for year in range(first, last + 1)])
    return known[days - date(first, 1, 1).toordinal()]


def find_offsets_ms(instants_ms: Ints, zone: str) -> Ints:
    """Give what to add to UTC for the wall clock of *zone* at each instant, in milliseconds."""
    if not len(instants_ms):
        return np.empty(0, np.int64)
    first, last = int(instants_ms.min()) // _DAY_MS, int(instants_ms.max()) // _DAY_MS
    days = np.arange(first - 1, last + 3)
    midnights = find_instants_ms(days + _DAYS_BEFORE_1970, time(), zone)
    day = np.searchsorted(midnights, instants_ms, side="right") - 1
    offsets = days * _DAY_MS - midnights
    found, next_day = offsets[day], offsets[day + 1]
    # On a day that changes the clocks midnight does not tell.
    for row in np.flatnonzero(found != next_day):
        found[row] = _ask_offset(int(instants_ms[row]), zone)
    return found


@cache
def _list_zones() -> frozenset[str]:
    # Each listing walks hundreds of files.
    return frozenset(available_timezones())


@cache
def _ask_year(year: int, at: time, zone: str) -> Ints:
    where, day = ZoneInfo(zone), date(year, 1, 1)
    days = (day + timedelta(days=count) for count in range((date(year + 1, 1, 1) - day).days))
    seconds = [int(datetime.combine(one, at, where).timestamp()) for one in days]
    return np.array(seconds, np.int64) * 1000


def _ask_offset(instant_ms: int, zone: str) -> int:
    offset = from_ms(instant_ms).astimezone(ZoneInfo(zone)).utcoffset()
    return int((offset or timedelta(0)).total_seconds()) * 1000
