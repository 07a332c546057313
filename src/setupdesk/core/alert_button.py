"""The buttons under an alert: what each does about it, and what it is known by to Telegram."""

import re
from enum import StrEnum


class AlertButton(StrEnum):
    """What a button does."""

    MUTE = "mute"
    """Its setup is not told there for the rest of the day."""

    ANALYZE = "analyze"
    """Its setup looks once at its market as it is now."""


_WRITTEN = re.compile(rf"({'|'.join(AlertButton)}):(alert_[0-9a-f]{{1,40}})")


def write_button(button: AlertButton, alert_id: str) -> str:
    """Write what Telegram gives back when the button is pressed: 64 bytes at most."""
    return f"{button}:{alert_id}"


def read_button(written: str) -> tuple[AlertButton, str] | None:
    """Read what ``write_button`` wrote: the button and the alert; None for anything else."""
    found = _WRITTEN.fullmatch(written)
    return (AlertButton(found[1]), found[2]) if found else None
