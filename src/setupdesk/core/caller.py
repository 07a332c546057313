"""Callers: who asks over the API, what the role allows, and how much."""

import re
from dataclasses import dataclass
from enum import StrEnum

API_KEY = re.compile(r"sdk_[A-Za-z0-9_-]{43}")
"""What a key looks like, so that scanners of secrets know one; the rest is 256 random bits."""


class Role(StrEnum):
    """What a key may do; each may also do what the ones before it may."""

    VIEWER = "viewer"
    TRADER = "trader"
    ADMIN = "admin"

    def covers(self, needed: "Role") -> bool:
        """Say whether this role may do what *needed* may."""
        return _ORDER.index(self) >= _ORDER.index(needed)


_ORDER = tuple(Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How much one key may ask for; None where the desk's own bound is the only one."""

    key_id: str | None = None
    requests_per_minute: int | None = None
    most_waiting: int | None = None
    most_running: int | None = None
    most_bars: int | None = None


NO_QUOTA = Quota()
"""Of who needs no key: the desk's own processes, and who works in the desk's home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: the owner of the key that was shown."""

    user: str
    role: Role
    quota: Quota = NO_QUOTA

    def may_see(self, owner: str) -> bool:
        """Say whether what belongs to *owner* is there for this caller."""
        return self.role is Role.ADMIN or owner == self.user
