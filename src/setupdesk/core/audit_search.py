"""Searches of the audit log: which of all requests somebody wants to see."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.run import Door
from setupdesk.core.run_search import SearchReading


class Outcome(StrEnum):
    """What became of a request."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    REPLAYED = "replayed"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSearch:
    """What a row has to be like; None and an empty tuple leave it open."""

    door: Door | None = None
    outcome: Outcome | None = None
    user: str | None = None
    since: date | None = None
    """First UTC day."""

    until: date | None = None
    """Last UTC day, inclusive."""

    words: tuple[str, ...] = ()
    """Each stands somewhere in its run_id, user, payload or Problems, in upper or lower case."""

    polls: bool = True
    """Polls of watches are among them; there is one at each bar, or each few seconds."""

    before: int | None = None
    """The ``audit_id`` that ended the page before."""


EVERY_ROW = AuditSearch()


def parse_audit_search(said: Mapping[str, Any]) -> AuditSearch:
    """Read what somebody *said* of requests, or raise InvalidRequestError with every Problem.

    Polls of watches are left out, unless they are asked for.
    """
    reading = SearchReading({key: value for key, value in said.items() if value is not None})
    search = AuditSearch(
        door=reading.choice("door", Door),
        outcome=reading.choice("outcome", Outcome),
        user=reading.text("user"),
        since=reading.day("since"),
        until=reading.day("until"),
        words=tuple((reading.text("search") or "").split()),
        polls=reading.flag("polls"),
        before=said.get("before"),
    )
    if reading.problems:
        raise InvalidRequestError(reading.problems)
    return search
