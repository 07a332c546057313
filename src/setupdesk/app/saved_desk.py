"""The desk of saved requests: what users keep under a name, to ask for it again."""

import logging
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Protocol

from setupdesk.app.ports import Clock
from setupdesk.app.start import Start, make_writable
from setupdesk.core.caller import Caller
from setupdesk.core.errors import InvalidRequestError, NotFoundError
from setupdesk.core.period import to_iso
from setupdesk.core.problem import Problem
from setupdesk.core.refusals import Refusals
from setupdesk.core.request import parse_request
from setupdesk.core.saved_request import SavedRequest, find_name_problems, fold

log = logging.getLogger(__name__)

MOST_SAVED = 100
"""Of a user."""

FIELDS = ("name", "payload", "replaces")


class SavedRequests(Protocol):
    """Where saved requests are kept."""

    def add(self, made: SavedRequest, most: int, *, replaces: bool) -> bool:
        """Write one down; False where its name is taken, or its user has *most* already."""

    def load_all(self, user: str) -> list[SavedRequest]:
        """Load those of a user, by name."""

    def remove(self, saved_id: str) -> None:
        """Forget one."""


@dataclass(frozen=True, slots=True)
class SavedDesk:
    """Saved requests of all users; each sees and removes his own."""

    saved: SavedRequests
    start: Start
    clock: Clock
    most: int = MOST_SAVED

    def add(self, said: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Keep a payload under a name; START must be ready to accept it as it is now.

        A name that is taken, in upper or lower case, is refused unless *said* has ``replaces``.
        """
        said = self.start.hide_secrets(make_writable(said))
        if problems := self._find_problems(said, caller):
            raise InvalidRequestError(problems)
        made = SavedRequest(
            saved_id=f"saved_{secrets.token_hex(6)}",
            user=caller.user,
            name=said["name"].strip(),
            payload=said["payload"],
            created_at=self.clock(),
        )
        if not self.saved.add(made, self.most, replaces=said.get("replaces") is True):
            raise InvalidRequestError([self._refuse(made)])
        log.info("request saved", extra={"saved_id": made.saved_id, "user": caller.user})
        return _show(made)

    def list_saved(self, caller: Caller) -> list[dict[str, Any]]:
        """List the caller's saved requests, by name."""
        return [_show(one) for one in self.saved.load_all(caller.user)]

    def show(self, named: str, caller: Caller) -> dict[str, Any]:
        """Give one of the caller's saved requests, by its id or its name."""
        return _show(self._find(named, caller))

    def remove(self, named: str, caller: Caller) -> dict[str, Any]:
        """Forget a saved request; runs that were asked for with it stay as they are."""
        found = self._find(named, caller)
        self.saved.remove(found.saved_id)
        log.info("saved request removed", extra={"saved_id": found.saved_id, "user": caller.user})
        return _show(found)

    def _find(self, named: str, caller: Caller) -> SavedRequest:
        own = self.saved.load_all(caller.user)
        found = [one for one in own if named == one.saved_id or fold(named) == one.name_key]
        if not found:
            raise NotFoundError("saved request", named)
        return found[0]

    def _find_problems(self, said: Mapping[str, Any], caller: Caller) -> list[Problem]:
        reading = Refusals()
        reading.refuse_others("", said, FIELDS)
        if not isinstance(said.get("replaces", False), bool):
            message = "replaces was not yes or no."
            reading.refuse("replaces", "wrong_type", message, ("true", "false"))
        if not isinstance(said.get("payload"), dict):
            message = "The payload was no JSON object; it is a request, as of POST /runs."
            reading.refuse("payload", "wrong_type", message)
            return [*reading.problems, *find_name_problems(said.get("name"))]
        try:
            parse_request(said["payload"], self.start.offer_to(caller.user, caller.quota))
        except InvalidRequestError as refused:
            placed = [replace(one, field=f"payload.{one.field}") for one in refused.problems]
            reading.problems += placed
        return [*find_name_problems(said.get("name")), *reading.problems]

    def _refuse(self, made: SavedRequest) -> Problem:
        own = self.saved.load_all(made.user)
        if made.name_key not in {one.name_key for one in own}:
            message = (
                f"{made.user} has {len(own)} saved requests, the most there may be. Remove one "
                "that is not needed: `setupdesk saved list` shows them."
            )
            return Problem(field="", code="too_many_saved", message=message)
        return Problem(
            field="name",
            code="taken",
            message=f"{made.name!r} is saved already: choose another name, or replace it.",
            suggestion=_number(made.name, {one.name_key for one in own}),
        )


def _number(name: str, taken: Collection[str]) -> str:
    return next(free for n in count(2) if fold(free := f"{name} {n}") not in taken)


def _show(one: SavedRequest) -> dict[str, Any]:
    return {
        "saved_id": one.saved_id,
        "name": one.name,
        "payload": dict(one.payload),
        "created_at": to_iso(one.created_at),
    }
