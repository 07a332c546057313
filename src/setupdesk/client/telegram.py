"""What the client asks of pairings with users of Telegram."""

from typing import Any

from setupdesk.client.connection import Connection


class TelegramCalls(Connection):
    """The part of the client that is about who speaks by Telegram."""

    def add_pairing_code(self, user: str, role: str) -> dict[str, Any]:
        """Make a code that pairs one user of Telegram, once; it is shown this once."""
        return self._read(self._send("POST", "/telegram/codes", json={"user": user, "role": role}))

    def pair_telegram(
        self, code: str, telegram_id: int, name: str, language: str = "en"
    ) -> dict[str, Any]:
        """Pair the user of Telegram who sent a code."""
        said = {"code": code, "telegram_id": telegram_id, "name": name, "language": language}
        return self._read(self._send("POST", "/telegram/pairings", json=said))

    def pairings(self) -> list[dict[str, Any]]:
        """List who of Telegram's users speaks to the desk, and as whom."""
        return self._get("/telegram/pairings")

    def pairing(self, telegram_id: int) -> dict[str, Any]:
        """Say as whom a user of Telegram speaks to the desk."""
        return self._get(f"/telegram/pairings/{telegram_id}")

    def unpair_telegram(self, telegram_id: int) -> dict[str, Any]:
        """Let a user of Telegram say nothing more."""
        return self._read(self._send("POST", f"/telegram/pairings/{telegram_id}/revoke"))

    def count_forgery(self, address: str) -> None:
        """Count what came to the bot's webhook without its secret."""
        self._read(self._send("POST", "/telegram/forgeries", json={"address": address}))

    def count_stranger(self, telegram_id: int) -> None:
        """Count a message of somebody whom the desk does not know."""
        self._read(self._send("POST", "/telegram/strangers", json={"telegram_id": telegram_id}))
