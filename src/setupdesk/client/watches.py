"""What the client asks of watches and their alerts."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from setupdesk.client.connection import Connection


class WatchCalls(Connection):
    """The part of the client that is about watches."""

    def watches(self, *, ended: bool = False) -> list[dict[str, Any]]:
        """List the watches, the newest first."""
        return self._get("/watches", ended=ended)

    def watch(self, watch_id: str) -> dict[str, Any]:
        """Give a watch with where each of its looks stands."""
        return self._get(_watch_path(watch_id))

    def add_watch(self, said: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
        """Make a watch: setups, symbols, timeframe, feed, every or at_bar_close, and so on.

        The same wish with the same *key* is one watch, however often it is sent.
        """
        headers = {"Idempotency-Key": key} if key else {}
        return self._read(self._send("POST", "/watches", json=dict(said), headers=headers))

    def validate_watch(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Say what would become of a watch, and when it would look; nothing is written."""
        return self._read(self._send("POST", "/watches/validate", json=dict(said)))

    def watched_bars(self, watch_id: str, symbol: str, limit: int) -> dict[str, Any]:
        """Give the newest bars of a symbol as a watch saw them, as columns, with their sessions."""
        return self._get(f"{_watch_path(watch_id)}/bars", symbol=symbol, limit=limit)

    def end_watch(self, watch_id: str) -> dict[str, Any]:
        """Let a watch look no more."""
        return self._read(self._send("DELETE", _watch_path(watch_id)))

    def polls(self, watch_id: str, limit: int) -> list[dict[str, Any]]:
        """List the newest polls of a watch, and what came of each."""
        return self._get(f"{_watch_path(watch_id)}/polls", limit=limit)

    def alerts(self, limit: int, watch_id: str | None = None) -> list[dict[str, Any]]:
        """List the newest alerts, with what became of each."""
        if watch_id is None:
            return self._get("/alerts", limit=limit)
        return self._get(f"{_watch_path(watch_id)}/alerts", limit=limit)

    def alert(self, alert_id: str) -> dict[str, Any]:
        """Give one alert, with what became of it."""
        return self._get(f"/alerts/{quote(alert_id, safe='')}")


def _watch_path(watch_id: str) -> str:
    return f"/watches/{quote(watch_id, safe='')}"
