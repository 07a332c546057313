"""What the client asks of channels."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from setupdesk.client.connection import Connection


class ChannelCalls(Connection):
    """The part of the client that is about channels, and what they were told."""

    def channels(self) -> list[dict[str, Any]]:
        """List the channels, the newest first."""
        return self._get("/channels")

    def add_channel(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Make a channel: name, url, events, manner; its secret is shown this once."""
        return self._read(self._send("POST", "/channels", json=dict(said)))

    def change_channel(self, channel_id: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """Change the fields of a channel that are said, such as manner."""
        return self._read(self._send("PATCH", _channel_path(channel_id), json=dict(said)))

    def revoke_channel(self, channel_id: str) -> dict[str, Any]:
        """Tell a channel nothing more."""
        return self._read(self._send("POST", f"{_channel_path(channel_id)}/revoke"))

    def test_channel(self, channel_id: str) -> dict[str, Any]:
        """Tell a channel at once that this is a test."""
        return self._read(self._send("POST", f"{_channel_path(channel_id)}/test"))

    def mute(self, channel_id: str, setup_id: str, symbol: str | None = None) -> dict[str, Any]:
        """Tell a channel nothing of a setup for the rest of its market's day."""
        said = {"setup_id": setup_id} | ({"symbol": symbol} if symbol else {})
        return self._read(self._send("POST", f"{_channel_path(channel_id)}/mutes", json=said))

    def unmute(self, channel_id: str, setup_id: str) -> dict[str, Any]:
        """Tell a channel of a setup again."""
        path = f"{_channel_path(channel_id)}/mutes/{quote(setup_id, safe='')}"
        return self._read(self._send("DELETE", path))

    def notifications(self, limit: int, channel_id: str | None = None) -> list[dict[str, Any]]:
        """List what channels were told, and what they are to be told, the newest first."""
        return self._get("/notifications", limit=limit, channel_id=channel_id)


def _channel_path(channel_id: str) -> str:
    return f"/channels/{quote(channel_id, safe='')}"
