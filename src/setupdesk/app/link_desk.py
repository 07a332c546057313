"""The link desk: gives out links that sign in at the web desk, and takes each of them once.

They live for minutes, so they are kept in memory, by their digests: a service that is started
again knows none of them any more, and another one is soon asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Protocol

from setupdesk.app.ports import Clock
from setupdesk.core.caller import Caller
from setupdesk.core.errors import NoLinkError, WrongLinkError
from setupdesk.core.period import to_iso
from setupdesk.core.run import Door
from setupdesk.core.sign_in_link import (
    LINK_FOR,
    LINK_PATH,
    SignInLink,
    digest_token,
    draw_token,
    may_have_link,
)


class Keys(Protocol):
    """Where keys are kept."""

    def load_caller(self, key_id: str) -> Caller | None:
        """Load who asks with a key; None where it opens nothing now."""


class Changes(Protocol):
    """Where it is written down who did what."""

    def note(
        self, at: datetime, user: str, deed: str, subject: str, said: Mapping[str, Any]
    ) -> None:
        """Write down what a user has done with what is his."""


@dataclass(frozen=True, slots=True)
class LinkDesk:
    """Makes links, and lets in by them; the log of changes says who did, and by which door."""

    keys: Keys
    changes: Changes
    clock: Clock
    page: str
    """The address of the web desk as browsers have it; empty where there is none."""

    is_local: bool
    """Whether only browsers on the desk's own machine reach it."""

    links: dict[str, SignInLink] = field(default_factory=dict, repr=False)
    """By their digests; the newest one of each key."""

    lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, caller: Caller, door: Door) -> dict[str, Any]:
        """Make a link for who asks; an earlier one of his opens nothing any more."""
        key_id = caller.quota.key_id
        if not self.page or key_id is None or not may_have_link(key_id):
            raise NoLinkError(self.page)
        token, now = draw_token(), self.clock()
        made = SignInLink(
            key_id=key_id, user=caller.user, role=caller.role, expires_at=now + LINK_FOR
        )
        with self.lock:
            for digest, link in list(self.links.items()):
                if link.key_id == key_id or link.expires_at <= now:
                    del self.links[digest]
            self.links[digest_token(token)] = made
        self._note(made, "link made", door)
        address, expires = f"{self.page}{LINK_PATH}{token}", to_iso(made.expires_at)
        return {"address": address, "expires_at": expires, "is_local": self.is_local}

    def find(self, token: str) -> dict[str, Any]:
        """Say whom a link lets in, without using it up; raises ``WrongLinkError``."""
        return _show(self._check(self.links.get(digest_token(token))))

    def use(self, token: str, door: Door) -> dict[str, Any]:
        """Take a link, which opens nothing from then on; gives the key with which to go on."""
        with self.lock:
            found = self.links.pop(digest_token(token), None)
        link = self._check(found)
        self._note(link, "link used", door)
        return {"key_id": link.key_id, **_show(link)}

    def _check(self, link: SignInLink | None) -> SignInLink:
        if link is None or link.expires_at <= self.clock():
            raise WrongLinkError
        known = self.keys.load_caller(link.key_id)
        if known is None or (known.user, known.role) != (link.user, link.role):
            raise WrongLinkError
        return link

    def _note(self, link: SignInLink, deed: str, door: Door) -> None:
        said = {"door": door, "role": link.role}
        self.changes.note(self.clock(), link.user, deed, link.key_id, said)


def _show(link: SignInLink) -> dict[str, Any]:
    return {"user": link.user, "role": link.role, "expires_at": to_iso(link.expires_at)}
