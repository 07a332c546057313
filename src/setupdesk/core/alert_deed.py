"""Deeds: what can be done about an alert by a button under it, and what such a button says."""

import re
from enum import StrEnum


class AlertDeed(StrEnum):
    """What the button does."""

    MUTE = "mute"
    """Its setup is not told there for the rest of the day."""

    ANALYZE = "analyze"
    """Its setup looks once at its market as it is now."""


_WRITTEN = re.compile(rf"({'|'.join(AlertDeed)}):(alert_[0-9a-f]{{1,40}})")


def write_deed(deed: AlertDeed, alert_id: str) -> str:
    """Write what Telegram gives back when the button is pressed: 64 bytes at most."""
    return f"{deed}:{alert_id}"


def read_deed(written: str) -> tuple[AlertDeed, str] | None:
    """Read what ``write_deed`` wrote: the deed and the alert; None for anything else."""
    found = _WRITTEN.fullmatch(written)
    return (AlertDeed(found[1]), found[2]) if found else None
