"""What the client asks of links that sign in at the web desk."""

from typing import Any

from setupdesk.client.connection import Connection


class SignInLinkCalls(Connection):
    """The part of the client that is about links that sign in."""

    def add_sign_in_link(self) -> dict[str, Any]:
        """Make a link that signs in as whoever asks, once and within five minutes."""
        return self._read(self._send("POST", "/sign-in-links"))

    def sign_in_link(self, token: str) -> dict[str, Any]:
        """Say whom a link lets in; it is not used up."""
        return self._read(self._send("POST", "/sign-in-links/find", json={"token": token}))

    def use_sign_in_link(self, token: str) -> dict[str, Any]:
        """Take a link, which opens nothing from then on."""
        return self._read(self._send("POST", "/sign-in-links/use", json={"token": token}))
