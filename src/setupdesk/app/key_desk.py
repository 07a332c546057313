"""The key desk: who gets a key to the API, who has one, and who no longer."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from setupdesk.app.ports import Clock
from setupdesk.app.queries import show_row
from setupdesk.core.caller import OWN_KEY, SIGN_IN, Caller, NewKey
from setupdesk.core.errors import OwnKeyError, SignInKeyError
from setupdesk.core.period import to_iso

log = logging.getLogger(__name__)

Row = Mapping[str, Any]


class Keys(Protocol):
    """Where keys are kept."""

    def add(self, new: NewKey) -> tuple[str, Row]:
        """Make a key; it is given back this once, with its row."""

    def load_keys(self) -> list[Row]:
        """Load every key that was given out, the oldest first."""

    def revoke(self, key_id: str) -> tuple[datetime, list[str], list[str]]:
        """Let a key and its hooks open nothing, and pause its schedules.

        Gives since when, and which hooks and schedules that were.
        """


@dataclass(frozen=True, slots=True)
class KeyDesk:
    """Gives keys out and takes them back; the log says who did."""

    keys: Keys
    clock: Clock

    def add(self, new: NewKey, by: str) -> dict[str, Any]:
        """Make a key; the answer is the only place where it is ever shown."""
        key, row = self.keys.add(new)
        log.info("key made", extra={"key_id": row["key_id"], "role": new.role, "user": by})
        return {"key": key, **self._show(row)}

    def keys_of(self, caller: Caller) -> list[dict[str, Any]]:
        """List the keys that the caller may see."""
        rows = (row for row in self.keys.load_keys() if caller.may_see(row["user"]))
        return [self._show(row) for row in rows]

    def revoke(self, key_id: str, by: str) -> dict[str, Any]:
        """Take a key back with its hooks, at once and for good; its schedules are paused."""
        if key_id == OWN_KEY:
            raise OwnKeyError
        if key_id.startswith(SIGN_IN):
            raise SignInKeyError(key_id.removeprefix(SIGN_IN))
        at, hooks, schedules = self.keys.revoke(key_id)
        ended = {"hooks": hooks, "schedules": schedules}
        log.info("key revoked", extra={"key_id": key_id, **ended, "user": by})
        return {"key_id": key_id, "revoked_at": to_iso(at), **ended}

    def _show(self, row: Row) -> dict[str, Any]:
        shown = {name: value for name, value in show_row(row).items() if name != "sha256"}
        return shown | {"state": _find_state(row, self.clock())}


def _find_state(row: Row, at: datetime) -> str:
    if row["revoked_at"]:
        return "revoked"
    return "expired" if row["expires_at"] and row["expires_at"] <= at else "active"
