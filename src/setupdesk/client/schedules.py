"""What the client asks of schedules."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from setupdesk.client.connection import Connection


class ScheduleCalls(Connection):
    """The part of the client that is about schedules."""

    def schedules(self) -> list[dict[str, Any]]:
        """List the schedules, the newest first, each with its next tick."""
        return self._get("/schedules")

    def schedule(self, schedule_id: str, coming: int | None = None) -> dict[str, Any]:
        """Give a schedule with its next ticks, five unless said."""
        return self._get(_schedule_path(schedule_id), coming=coming)

    def validate_schedule(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Say what a schedule would be, with its next ticks; nothing is written."""
        return self._read(self._send("POST", "/schedules/validate", json=dict(said)))

    def add_schedule(self, said: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
        """Make a schedule: name, payload or payloads, cron, every or at_bar_close, and so on.

        The same wish with the same *key* is one schedule, however often it is sent.
        """
        headers = {"Idempotency-Key": key} if key else {}
        return self._read(self._send("POST", "/schedules", json=dict(said), headers=headers))

    def change_schedule(self, schedule_id: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """Change the fields of a schedule that are said, such as paused."""
        return self._read(self._send("PATCH", _schedule_path(schedule_id), json=dict(said)))

    def run_schedule_now(self, schedule_id: str) -> dict[str, Any]:
        """Ask at once for what a schedule asks for; gives the row of this tick."""
        return self._read(self._send("POST", f"{_schedule_path(schedule_id)}/run-now"))

    def remove_schedule(self, schedule_id: str) -> dict[str, Any]:
        """Let a schedule start nothing more."""
        return self._read(self._send("DELETE", _schedule_path(schedule_id)))

    def ticks(self, schedule_id: str, limit: int) -> list[dict[str, Any]]:
        """List what became of the ticks of a schedule, the newest first."""
        return self._get(f"{_schedule_path(schedule_id)}/ticks", limit=limit)

    def next_ticks(self, limit: int) -> list[dict[str, Any]]:
        """List the coming ticks of all schedules, the next one first."""
        return self._get("/schedules/next", limit=limit)


def _schedule_path(schedule_id: str) -> str:
    return f"/schedules/{quote(schedule_id, safe='')}"
