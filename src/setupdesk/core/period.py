"""Dates and periods as traders write them."""

import re
from calendar import monthrange
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_FORMATS = ("%Y-%m-%d", "%Y%m%d", "%Y.%m.%d")
_DAYS = {"d": 1, "w": 7}
_MONTHS = {"m": 1, "y": 12}


def find_date(value: object) -> date | None:
    """Read a date written as 2025-05-01, 20250501 or 2025.05.01."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        for pattern in _FORMATS:
            with suppress(ValueError):
                return datetime.strptime(value.strip(), pattern).date()  # noqa: DTZ007 (a date)
    return None


def find_instant(value: object, zone: str) -> datetime | None:
    """Read a moment of ISO 8601; without an offset it is on the clock of *zone*. Gives UTC."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value.strip(" "))
        local = read.replace(tzinfo=ZoneInfo(zone)) if read.tzinfo is None else read
        return local.astimezone(UTC) if 1990 <= local.year <= 2100 else None
    except (ValueError, OverflowError):
        return None


def to_iso(moment: datetime) -> str:
    """Write an instant as every door shows it: ISO 8601 in UTC with a Z."""
    return moment.isoformat().replace("+00:00", "Z")


def days_before(end: date, span: str) -> date | None:
    """Give the first day of the last ``10d``, ``6w``, ``3m``, ``1y`` or ``ytd`` up to *end*."""
    if span.strip().lower() == "ytd":
        return end.replace(month=1, day=1)
    match = re.fullmatch(r"([1-9]\d{0,3})([dwmy])", span.strip().lower())
    if not match:
        return None
    count, unit = int(match[1]), match[2]
    if unit in _DAYS:
        return end - timedelta(days=count * _DAYS[unit] - 1)
    return _months_before(end, count * _MONTHS[unit])


def _months_before(end: date, months: int) -> date | None:
    # The day after *end* moved back: six months up to 31 October begin on 1 May.
    after = end + timedelta(days=1)
    years, month = divmod(after.year * 12 + after.month - 1 - months, 12)
    if years < 1:
        return None
    return date(years, month + 1, min(after.day, monthrange(years, month + 1)[1]))
