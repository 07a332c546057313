"""Days of a market: between dates in its zone and instants in UTC."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


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
