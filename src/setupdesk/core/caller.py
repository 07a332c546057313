"""Callers: who asks over the API, what the role allows, and how much."""

import re
from dataclasses import dataclass
from enum import StrEnum

from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.free_text import LONGEST_NAME, find_text_problems
from setupdesk.core.problem import Problem

OWN_KEY = "desk"
"""Id of the key in the desk's home, which its local doors use by themselves."""

SIGN_IN = "sign-in:"
"""Ids of keys that users have who sign in at the web desk begin so; the name follows."""

API_KEY = re.compile(r"sdk_[A-Za-z0-9_-]{43}")
"""What a key looks like, so that scanners of secrets know one; the rest is 256 random bits."""


NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.@ -]{0,62}[A-Za-z0-9])?")
"""What a user, and a key, may be called; it stands in logs and tables as it is."""


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
class NewKey:
    """What a key is asked for with."""

    name: str
    """What it is for."""

    user: str
    role: Role
    days: int | None
    """How long it opens the desk; None for ever."""

    requests_per_minute: int | None = 600
    most_waiting: int | None = 20
    most_running: int | None = 2
    most_bars: int | None = None

    def __post_init__(self) -> None:
        problems = [*_find_wrong("name", self.name), *_find_wrong("user", self.user)]
        if problems:
            raise InvalidRequestError(problems)


def _find_wrong(field: str, value: str) -> list[Problem]:
    if NAME.fullmatch(value):
        return find_text_problems(field, value, LONGEST_NAME)
    return [Problem(field=field, code="wrong_name", message=_WRONG_NAME.format(field, value))]


_WRONG_NAME = (
    "{} was {!r:.80}; it takes 1 to 64 letters and digits, and _ . @ - and spaces between them."
)


def name_sign_in(user: str) -> str:
    """Name the key of a user who signs in at the web desk."""
    return f"{SIGN_IN}{user}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: the owner of the key that was shown."""

    user: str
    role: Role
    quota: Quota = NO_QUOTA

    def may_see(self, owner: str) -> bool:
        """Say whether what belongs to *owner* is there for this caller."""
        return self.sees_all or owner == self.user

    @property
    def sees_all(self) -> bool:
        """Say whether everybody's things are there for this caller."""
        return self.role is Role.ADMIN


HOME = Caller(user="", role=Role.ADMIN)
"""Who works in the desk's home, and can read all that is there anyway."""
