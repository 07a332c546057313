"""What the client asks of saved requests."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from setupdesk.client.connection import Connection


class SavedCalls(Connection):
    """The part of the client that is about saved requests."""

    def saved_requests(self) -> list[dict[str, Any]]:
        """List the caller's saved requests, by name."""
        return self._get("/saved-requests")

    def saved_request(self, named: str) -> dict[str, Any]:
        """Give a saved request, by its id or its name."""
        return self._get(_saved_path(named))

    def save_request(
        self, name: str, payload: Mapping[str, Any], *, replaces: bool = False
    ) -> dict[str, Any]:
        """Keep a payload under a name; one that is taken is refused unless *replaces*."""
        said = {"name": name, "payload": dict(payload), "replaces": replaces}
        return self._read(self._send("POST", "/saved-requests", json=said))

    def remove_saved_request(self, named: str) -> dict[str, Any]:
        """Forget a saved request."""
        return self._read(self._send("DELETE", _saved_path(named)))


def _saved_path(named: str) -> str:
    return f"/saved-requests/{quote(named, safe='')}"
