"""The schedule desk: makes, shows and changes Schedules; the log says who did."""

import hashlib
import heapq
import logging
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from setupdesk.app.scheduler import Fire, Scheduler, Settled, show_tick
from setupdesk.app.start import make_writable
from setupdesk.core.caller import Caller
from setupdesk.core.errors import InvalidRequestError, KeyConflictError, NotFoundError
from setupdesk.core.period import to_iso
from setupdesk.core.problem import Problem
from setupdesk.core.schedule import Schedule, Terms
from setupdesk.core.schedule_terms import RHYTHMS, Said, parse_schedule

log = logging.getLogger(__name__)

MOST_SCHEDULES = 500
"""Of a user; those that are removed do not count."""

SHOWN = 5
"""Coming ticks that are shown of one schedule."""


class Schedules(Protocol):
    """Where schedules are kept."""

    def add(self, made: Schedule, most: int) -> bool:
        """Write a new schedule down; False if its user has *most* that were not removed."""

    def load(self, schedule_id: str) -> Schedule | None:
        """Load one schedule, removed or not."""

    def load_all(self) -> list[Schedule]:
        """Load every schedule that was not removed, the newest first."""

    def change(  # noqa: PLR0913 (what it is from now on)
        self, one: Schedule, name: str, terms: Terms, *, paused: bool, restarts: bool, by: str
    ) -> None:
        """Change a schedule; one that *restarts* is due again from now on, and not before."""

    def remove(self, one: Schedule, by: str) -> None:
        """Let a schedule start nothing more."""

    def load_ticks(self, schedule_id: str, limit: int) -> list[dict[str, Any]]:
        """Load what became of the ticks of a schedule, the newest first."""


class Ticks(Protocol):
    """Where ticks are kept."""

    def claim_now(self, schedule_id: str, due_at: datetime, reason: str) -> None:
        """Write down a tick that a user wants beside those of the rhythm."""

    def settle(self, settled: Sequence[Settled]) -> None:
        """Write down what became of claimed ticks."""


@dataclass(frozen=True, slots=True)
class ScheduleDesk:
    """Schedules of all users; each is seen and changed by its owner, and by an admin."""

    schedules: Schedules
    ticks: Ticks
    scheduler: Scheduler
    fire: Fire
    find_watch: Callable[[str], str | None] = lambda _: None
    """Find the name of the watch that a schedule belongs to, by the id of the schedule."""

    most: int = MOST_SCHEDULES

    def add(
        self, said: Mapping[str, Any], caller: Caller, key: str | None = None
    ) -> dict[str, Any]:
        """Make a schedule; it is due from now on.

        What is *said* again with the same *key* is the same schedule, as it is by now; another
        wish raises ``KeyConflictError``.
        """
        made = build_schedule(self._parse(said, caller), caller, self.scheduler.clock(), key)
        if key and (known := self.schedules.load(made.schedule_id)):
            is_as_made = known.changed_at == known.created_at
            if is_as_made and (known.name, known.terms) != (made.name, made.terms):
                raise KeyConflictError(key)
            return self._show(known)
        if not self.schedules.add(made, self.most):
            raise InvalidRequestError([_refuse_another(made.user, self.most)])
        _note("schedule made", made, caller)
        return self._show(made)

    def list_schedules(self, caller: Caller) -> list[dict[str, Any]]:
        """List the schedules that *caller* may see, the newest first."""
        return [self._show(one, 1) for one in self._load_seen(caller)]

    def show(self, schedule_id: str, caller: Caller, coming: int = SHOWN) -> dict[str, Any]:
        """Give one schedule, with its next *coming* ticks."""
        return self._show(self._find(schedule_id, caller), coming)

    def validate(self, said: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Say what a schedule would be that was made now; nothing is written.

        Raises ``InvalidRequestError`` with every Problem that it would be refused for.
        """
        wanted = build_schedule(self._parse(said, caller), caller, self.scheduler.clock())
        return {
            "name": wanted.name,
            **wanted.terms.to_json(),
            "paused": wanted.paused,
            "next": self.foresee(wanted),
        }

    def foresee(self, one: Schedule, count: int = SHOWN) -> list[dict[str, Any]]:
        """List the coming ticks of a schedule, the next one first."""
        return list(islice(self._foresee(one), count))

    def change(self, schedule_id: str, said: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Change what is *said*, and leave the rest; null gives a field its usual value again.

        With another rhythm, or no longer paused, it is due from now on.
        """
        one = self._find(schedule_id, caller)
        self._leave_to_watch(one, said.keys() - {"paused", *RHYTHMS})
        wanted = self._parse(_join(one, said), caller)
        self.scheduler.account_for(one)
        rhythms = (wanted.terms.rhythm, wanted.terms.zone), (one.terms.rhythm, one.terms.zone)
        self.schedules.change(
            one,
            wanted.name,
            wanted.terms,
            paused=wanted.paused,
            by=caller.user,
            restarts=(one.paused and not wanted.paused) or rhythms[0] != rhythms[1],
        )
        _note("schedule changed", one, caller, fields=sorted(said))
        return self._show(self.schedules.load(one.schedule_id) or one)

    def run_now(self, schedule_id: str, caller: Caller) -> dict[str, Any]:
        """Ask START at once for what a schedule asks for, also if it is paused."""
        one, at = self._find(schedule_id, caller), self.scheduler.clock()
        reason = f"run now, asked by {caller.user}"
        self.ticks.claim_now(one.schedule_id, at, reason)
        _note("schedule run now", one, caller)
        self.ticks.settle([self.fire(one, at, reason)])
        newest = self.schedules.load_ticks(one.schedule_id, SHOWN)
        return next(show_tick(row) for row in newest if row["due_at"] == at)

    def remove(self, schedule_id: str, caller: Caller) -> dict[str, Any]:
        """Let a schedule start nothing more; its ticks stay in the ledger."""
        one = self._find(schedule_id, caller)
        self._leave_to_watch(one, {"schedule"})
        self.scheduler.account_for(one)
        self.schedules.remove(one, caller.user)
        _note("schedule removed", one, caller)
        return self._show(self.schedules.load(one.schedule_id) or one)

    def list_ticks(self, schedule_id: str, limit: int, caller: Caller) -> list[dict[str, Any]]:
        """List what became of the ticks of a schedule, the newest first, also of a removed one."""
        one = self._find(schedule_id, caller, removed=True)
        return [show_tick(row) for row in self.schedules.load_ticks(one.schedule_id, limit)]

    def list_next(self, limit: int, caller: Caller) -> list[dict[str, Any]]:
        """List the coming ticks of all schedules that *caller* may see, the next one first."""
        live = [one for one in self._load_seen(caller) if not one.paused]
        coming = heapq.merge(*(self._foresee(one) for one in live), key=lambda tick: tick["at"])
        return list(islice(coming, limit))

    def _leave_to_watch(self, one: Schedule, fields: Collection[str]) -> None:
        """Refuse to take from a watch what it needs; it can be paused, and look at other times."""
        watch = self.find_watch(one.schedule_id) if fields else None
        if watch:
            message = (
                f"This is the schedule of the watch {watch!r}: it can be paused and resumed, and "
                f"`setupdesk unwatch` ends the watch with its schedules."
            )
            field = next(iter(sorted(fields)))
            raise InvalidRequestError([Problem(field=field, code="of_a_watch", message=message)])

    def _load_seen(self, caller: Caller) -> list[Schedule]:
        return [one for one in self.schedules.load_all() if caller.may_see(one.user)]

    def _find(self, schedule_id: str, caller: Caller, *, removed: bool = False) -> Schedule:
        one = self.schedules.load(schedule_id) or self._find_by_name(schedule_id, caller)
        if one is None or not caller.may_see(one.user) or (one.removed_at and not removed):
            raise NotFoundError("schedule", schedule_id)
        return one

    def _find_by_name(self, name: str, caller: Caller) -> Schedule | None:
        """Find the caller's own schedule of a name, or the one that he sees; None of several."""
        named = [one for one in self._load_seen(caller) if one.name == name]
        own = [one for one in named if one.user == caller.user] or named
        return own[0] if len(own) == 1 else None

    def _parse(self, said: Mapping[str, Any], caller: Caller) -> Said:
        start = self.fire.start
        written = start.hide_secrets(make_writable(said))
        return parse_schedule(written, start.offer_to(caller.user, caller.quota))

    def _foresee(self, one: Schedule) -> Iterator[dict[str, Any]]:
        zone, since = ZoneInfo(one.terms.zone), self.scheduler.clock()
        for tick in self.scheduler.timetable.after(one.terms, since):
            yield {
                "schedule_id": one.schedule_id,
                "name": one.name,
                "at": to_iso(tick),
                "market_time": tick.astimezone(zone).isoformat(),
                "timezone": one.terms.zone,
            }

    def _show(self, one: Schedule, count: int = SHOWN) -> dict[str, Any]:
        is_over = one.paused or one.removed_at
        return {
            "schedule_id": one.schedule_id,
            "name": one.name,
            "user": one.user,
            **one.terms.to_json(),
            "paused": one.paused,
            "created_at": to_iso(one.created_at),
            "changed_at": to_iso(one.changed_at),
            "removed_at": to_iso(one.removed_at) if one.removed_at else None,
            "next": [] if is_over else self.foresee(one, count),
        }


def build_schedule(wanted: Said, caller: Caller, at: datetime, key: str | None = None) -> Schedule:
    """Build a new schedule of *caller*; it is due from *at* on."""
    return Schedule(
        schedule_id=name_new("sched", caller.user, key),
        name=wanted.name,
        user=caller.user,
        key_id=caller.quota.key_id,
        terms=wanted.terms,
        paused=wanted.paused,
        created_at=at,
        changed_at=at,
        accounted_until=at,
    )


def name_new(kind: str, user: str, key: str | None) -> str:
    """Name what *user* makes, by the *key* of his request: sent again, it is found by it."""
    token = hashlib.sha256(f"{user}\n{key}".encode()).hexdigest()[:12] if key else None
    return f"{kind}_{token or secrets.token_hex(6)}"


def _join(one: Schedule, said: Mapping[str, Any]) -> dict[str, Any]:
    known = {**one.terms.to_json(), "name": one.name, "paused": one.paused}
    for derived in ("roll", "markets"):  # they are those of the symbols
        known.pop(derived, None)
    for alike in (RHYTHMS, ("payload", "payloads")):
        if any(said.get(name) is not None for name in alike):
            known = {name: value for name, value in known.items() if name not in alike}
    return {**known, **said}


def _refuse_another(user: str, most: int) -> Problem:
    message = (
        f"{user} has {most} schedules, the most there may be. Remove one that is not needed: "
        f"`setupdesk schedule list` shows them, and `setupdesk schedule remove` ends one."
    )
    return Problem(field="", code="too_many_schedules", message=message)


def _note(event: str, one: Schedule, caller: Caller, **more: Any) -> None:
    extra = {"schedule_id": one.schedule_id, "owner": one.user, "user": caller.user, **more}
    log.info(event, extra=extra)
