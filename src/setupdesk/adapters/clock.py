"""The wall clock: the only place that reads it."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """Give this instant in UTC."""
    return datetime.now(UTC)  # noqa: TID251 (this is the clock)


def today(zone: str) -> date:
    """Give today's date in an IANA zone."""
    return now().astimezone(ZoneInfo(zone)).date()
