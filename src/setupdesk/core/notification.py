"""Notifications: what one channel has to be told, and the words in which it is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from setupdesk.core.period import to_iso

MOST_SHOWN = 50
"""Alerts that a digest has in full."""

MOST_NAMED = 5
"""Setups on symbols that the line of a digest names."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Alerts that were held, as they are told at once."""

    count: int
    counts: tuple[tuple[str, int], ...]
    """How many of each setup on each symbol, the most first."""

    alerts: tuple[Row, ...]
    """Rows of the newest ones, the newest first, each with ``repeat``."""


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
    run: Row | None = None
    """The row of the run, as it is now."""

    alert: Row | None = None
    digest: Digest | None = None
    silent: bool = False
    """The channel wants this kind without a sound."""

    created_at: datetime
    attempts: int

    @property
    def repeat(self) -> bool:
        """Say whether somebody died while telling this, and may have told it.

        Each taking raises the fence by one, each attempt that came to an end the attempts.
        """
        return self.fence > self.attempts + 1

    def to_body(self) -> bytes:
        """Write what is sent: the same at every attempt, unless it is a repeat."""
        said: dict[str, Any] = {"event": self.event, "id": self.message_id}
        if self.alert is not None:
            said |= self._say(tell_alert(self.alert)) | {"alert": describe_alert(self.alert)}
        elif self.digest is not None:
            said |= self._say(_tell_digest(self.digest)) | _describe_digest(self.digest)
        else:
            said["repeat"] = self.repeat
        if self.run is not None:
            said |= _describe_run(self.run)
        return json.dumps(said).encode()

    def _say(self, line: str) -> dict[str, Any]:
        marked = f"{line} (repeat?)" if self.repeat else line
        return {"text": marked, "silent": self.silent, "repeat": self.repeat}


def name_subject(alert: Row) -> str:
    """Name what an alert is about, such as GER40 M15 IB_raid_v1."""
    parts = (alert["symbol"], alert["timeframe"], alert["setup_id"])
    return " ".join(str(part) for part in parts if part)


def tell_alert(alert: Row) -> str:
    """Tell an alert in one line, for people."""
    return f"{name_subject(alert)}: {alert['said']['sentence']}"


_IDENTITY = (
    *("alert_id", "kind", "watch_id", "setup_id", "setup_hash", "symbol", "timeframe"),
    *("side", "level", "bar_at", "created_at", "expires_at", "run_id"),
)


def describe_alert(alert: Row) -> dict[str, Any]:
    """Give the alert as programs take it: what it is known by, and all that it said."""
    known = {name: alert[name] for name in _IDENTITY}
    times = {name: to_iso(value) for name, value in known.items() if isinstance(value, datetime)}
    return {**alert["said"], **known, **times}


def _tell_digest(digest: Digest) -> str:
    named = [f"{count} x {subject}" for subject, count in digest.counts[:MOST_NAMED]]
    more = digest.count - sum(count for _, count in digest.counts[:MOST_NAMED])
    were = "alert was" if digest.count == 1 else "alerts were"
    return f"{digest.count} {were} held: {', '.join([*named, *([f'{more} more'] * (more > 0))])}"


def _describe_digest(digest: Digest) -> dict[str, Any]:
    alerts = [{**describe_alert(one), "repeat": one["repeat"]} for one in digest.alerts]
    return {"count": digest.count, "alerts": alerts}


def _describe_run(run: Row) -> dict[str, Any]:
    asked = ("setup_id", "symbol", "timeframe", "mode", "start", "end")
    here = f"/api/v1/runs/{run['run_id']}"
    links = {"run": here}
    if run["state"] == "completed":
        links |= {"result": f"{here}/result"}
        # What was asked of a watch has no page.
        links |= {} if run["request"].get("watch") else {"report": f"{here}/report.html"}
    return {
        "run_id": run["run_id"],
        "state": run["state"],
        "reason": run["reason"],
        **{name: run["request"].get(name) for name in asked},
        "user": run["user"],
        "door": run["door"],
        "finished_at": to_iso(run["finished_at"]),
        "summary": run["summary"],
        "links": links,
    }
