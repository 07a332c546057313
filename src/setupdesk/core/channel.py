"""Channels: where the desk tells of its runs, and what it says there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit


class ChannelEvent(StrEnum):
    """What is told."""

    RUN_FINISHED = "run_finished"
    RUN_FAILED = "run_failed"
    ALERT = "alert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """An address that is told of its owner's runs."""

    channel_id: str
    name: str
    user: str
    url: str
    """May hold a secret: it is shown as ``show_url`` gives it, and so nowhere whole."""

    events: tuple[ChannelEvent, ...]
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One event that one channel has to be told of, in the hands of whoever tells it."""

    notification_id: int
    message_id: str
    """What its receiver knows it by when it comes again."""

    fence: int
    """Which taking of it this is: who was too slow changes nothing any more."""

    channel_id: str
    url: str
    event: str
    run: Mapping[str, Any] | None
    """The row of the run, as it is now."""

    created_at: datetime
    attempts: int

    def to_body(self) -> bytes:
        """Write what is sent, the same at every attempt."""
        said: dict[str, Any] = {"event": self.event, "id": self.message_id}
        if self.run is not None:
            said |= _describe(self.run)
        return json.dumps(said).encode()


def _describe(run: Mapping[str, Any]) -> dict[str, Any]:
    asked = ("setup_id", "symbol", "timeframe", "mode", "start", "end")
    here = f"/api/v1/runs/{run['run_id']}"
    links = {"run": here}
    if run["state"] == "completed":
        links |= {"result": f"{here}/result", "report": f"{here}/report.html"}
    return {
        "run_id": run["run_id"],
        "state": run["state"],
        "reason": run["reason"],
        **{name: run["request"].get(name) for name in asked},
        "user": run["user"],
        "door": run["door"],
        "finished_at": run["finished_at"].isoformat().replace("+00:00", "Z"),
        "summary": run["summary"],
        "links": links,
    }


def show_url(url: str) -> str:
    """Give scheme and host of a URL, whose path or query may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
