"""Channels: where the desk tells of its runs and alerts."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from setupdesk.core.manner import USUAL, Manner
from setupdesk.core.pairing import TELEGRAM

LOG_URL = "log:"
"""A channel that is the service's own log."""


class ChannelEvent(StrEnum):
    """What is told."""

    RUN_FINISHED = "run_finished"
    RUN_FAILED = "run_failed"
    ALERT = "alert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """An address that is told of its owner's runs and alerts."""

    channel_id: str
    name: str
    user: str
    url: str
    """May hold a secret: it is shown as ``show_url`` gives it, and so nowhere whole."""

    events: tuple[ChannelEvent, ...]
    created_at: datetime
    revoked_at: datetime | None = None
    manner: Manner = USUAL


def show_url(url: str) -> str:
    """Give scheme and host of a URL, whose path or query may be a secret."""
    if url == LOG_URL or url.startswith(TELEGRAM):
        return url
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
