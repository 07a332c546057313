"""Days of a market: between dates in its zone and instants in UTC."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from setupdesk.market.bars import Ints

_QUARTER_MS = 15 * 60_000
_DAY_MS = 96 * _QUARTER_MS


def midnight_ms(day: date, zone: str) -> int:
    """Give the instant at which a date begins in a zone, in UTC milliseconds."""
    return to_ms(datetime.combine(day, time(), ZoneInfo(zone)))


def day_of(instant_ms: int, zone: str) -> date:
    """Give the date in a zone at an instant."""
    return from_ms(instant_ms).astimezone(ZoneInfo(zone)).date()


def is_zone(name: str) -> bool:
    """Say whether there is an IANA zone of this name; asking for one is quicker than for all."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def to_ms(moment: datetime) -> int:
    """Give an aware time as UTC milliseconds."""
    return round(moment.timestamp() * 1000)


def from_ms(instant_ms: int) -> datetime:
    """Give UTC milliseconds as an aware time in UTC."""
    return datetime.fromtimestamp(instant_ms / 1000, UTC)


def find_wall_clock(times: Ints, zone: str) -> Ints:
    """Give UTC milliseconds, oldest first, as the wall clock of *zone* shows them."""
    if not len(times):
        return times
    changes = dict(_find_offsets(int(times[0]), int(times[-1]), ZoneInfo(zone)))
    starts, shifts = np.array(list(changes.items()), np.int64).T
    return times + shifts[np.searchsorted(starts, times, side="right") - 1]


def _find_offsets(first_ms: int, last_ms: int, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    # Since when which offset holds. Asking a zone takes long, so only a day that ends with
    # another offset than it began with is looked at closely.
    begin = first_ms // _DAY_MS * _DAY_MS
    offset = _offset_ms(begin, zone)
    yield begin, offset
    for day in range(begin, last_ms + 1, _DAY_MS):
        if _offset_ms(day + _DAY_MS, zone) == offset:
            continue
        for quarter in range(day, day + _DAY_MS + 1, _QUARTER_MS):
            if (found := _offset_ms(quarter, zone)) != offset:
                offset = found
                yield quarter, offset


def _offset_ms(instant_ms: int, zone: ZoneInfo) -> int:
    offset = from_ms(instant_ms).astimezone(zone).utcoffset()
    return round(offset.total_seconds() * 1000) if offset else 0
