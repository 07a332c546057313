"""The watch desk: makes, shows and ends Watches, and shows what they have raised."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any, Protocol

from setupdesk.app.queries import show_row
from setupdesk.app.schedule_desk import ScheduleDesk, build_schedule, name_new
from setupdesk.app.start import Start, make_writable
from setupdesk.app.watch_book import LookState
from setupdesk.core.caller import Caller
from setupdesk.core.errors import InvalidRequestError, KeyConflictError, NotFoundError
from setupdesk.core.offer import Offer
from setupdesk.core.period import to_iso
from setupdesk.core.problem import Problem
from setupdesk.core.schedule import Schedule
from setupdesk.core.schedule_terms import parse_schedule
from setupdesk.core.watch import Watch
from setupdesk.core.watch_terms import WantedWatch, parse_watch

log = logging.getLogger(__name__)

MOST_WATCHES = 50
"""Of a user; those that have ended do not count."""

PARITY_CRON = "15 1 * * *"
"""When a watch is compared with a backtest of the day before, market time."""


class Watches(Protocol):
    """Where watches are kept."""

    def add(self, made: Watch, schedules: Sequence[Schedule], most: int) -> bool:
        """Write a new watch down with its schedules; False if its user has *most* that go on."""

    def end(self, ended: Watch, by: str) -> None:
        """Let a watch look no more."""

    def load(self, watch_id: str) -> Watch | None:
        """Load a watch, ended or not."""

    def load_all(self, *, ended: bool = False) -> list[Watch]:
        """Load the watches that go on, or all, the newest first."""

    def load_looks(self, watch_id: str) -> list[LookState]:
        """Load where a watch stands with what it has looked at."""

    def load_alerts(
        self, user: str | None, watch_id: str | None, limit: int
    ) -> list[Mapping[str, Any]]:
        """Load the newest alerts of a user or all, of one watch or all, with their receipts."""

    def load_alert(self, alert_id: str) -> Mapping[str, Any] | None:
        """Load one alert, with its receipts."""

    def load_polls(self, watch_id: str, limit: int) -> list[Mapping[str, Any]]:
        """Load the newest polls of a watch: run_id, state, when, and what came of it."""

    def load_parity(self, watch_id: str) -> Mapping[str, Any] | None:
        """Load the newest comparison of a watch with a backtest."""


@dataclass(frozen=True, slots=True)
class WatchDesk:
    """Watches of all users; each is seen and ended by its owner, and by an admin."""

    watches: Watches
    schedule_desk: ScheduleDesk
    start: Start
    most: int = MOST_WATCHES

    def add(
        self, said: Mapping[str, Any], caller: Caller, key: str | None = None
    ) -> dict[str, Any]:
        """Make a watch with the schedules of its polls and of its parity; it looks from now on.

        What is *said* again with the same *key* is the same watch; with another wish it raises
        ``KeyConflictError``.
        """
        offer = self.start.offer_to(caller.user, caller.quota)
        wanted = parse_watch(self.start.hide_secrets(make_writable(said)), offer)
        watch_id = name_new("watch", caller.user, key)
        if key and (made := self.watches.load(watch_id)):
            if made.terms != wanted.terms:
                raise KeyConflictError(key)
            return self._show(made)
        watch, schedules = self._build(watch_id, wanted, said, caller, offer)
        if not self.watches.add(watch, schedules, self.most):
            raise InvalidRequestError([_refuse_another(watch.user, self.most)])
        _note("watch made", watch, caller)
        return self._show(watch)

    def validate(self, said: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Say what would become of a watch that was made now; nothing is written.

        Raises ``InvalidRequestError`` with every Problem that it would be refused for.
        """
        offer = self.start.offer_to(caller.user, caller.quota)
        wanted = parse_watch(self.start.hide_secrets(make_writable(said)), offer)
        own = [one for one in self.watches.load_all() if one.user == caller.user]
        if len(own) >= self.most:
            raise InvalidRequestError([_refuse_another(caller.user, self.most)])
        watch, schedules = self._build(name_new("watch", "", None), wanted, said, caller, offer)
        return {
            "name": watch.name,
            **watch.terms.to_json(),
            "looks": len(watch.terms.looks),
            **wanted.rhythm,
            "next": self.schedule_desk.foresee(schedules[0]),
        }

    def _build(
        self,
        watch_id: str,
        wanted: WantedWatch,
        said: Mapping[str, Any],
        caller: Caller,
        offer: Offer,
    ) -> tuple[Watch, list[Schedule]]:
        at = self.schedule_desk.scheduler.clock()
        watch = Watch(
            watch_id=watch_id,
            name=self._find_free_name(wanted.name, caller.user, is_said=bool(said.get("name"))),
            user=caller.user,
            key_id=caller.quota.key_id,
            terms=wanted.terms,
            schedule_id=None,
            parity_schedule_id=None,
            created_at=at,
        )
        schedules = _build_schedules(watch, wanted, offer, caller, at)
        polls, *parity = (one.schedule_id for one in schedules)
        return replace(
            watch, schedule_id=polls, parity_schedule_id=parity[0] if parity else None
        ), schedules

    def _find_free_name(self, name: str, user: str, *, is_said: bool) -> str:
        """Find a name that no other watch of a user has: a watch is found by it."""
        taken = {one.name for one in self.watches.load_all() if one.user == user}
        if name not in taken:
            return name
        if is_said:
            message = f"{user} has a watch {name!r} already; each is found by its name."
            free = _number(name, taken)
            raise InvalidRequestError(
                [Problem(field="name", code="taken", message=message, suggestion=free)]
            )
        return _number(name, taken)

    def list_watches(self, caller: Caller, *, ended: bool = False) -> list[dict[str, Any]]:
        """List the watches that *caller* may see, the newest first."""
        seen = self.watches.load_all(ended=ended)
        return [self._show(one) for one in seen if caller.may_see(one.user)]

    def show(self, watch_id: str, caller: Caller) -> dict[str, Any]:
        """Give one watch with where each of its looks stands."""
        watch = self.find(watch_id, caller)
        looks = {one.look: one for one in self.watches.load_looks(watch.watch_id)}
        stand = [
            _show_look(looks.get(look) or LookState(look=look, seen_until=None))
            for look in watch.terms.looks
        ]
        return {**self._show(watch), "stand": stand}

    def end(self, watch_id: str, caller: Caller) -> dict[str, Any]:
        """Let a watch look no more; what it has seen stays, and to do it again changes nothing."""
        watch = self.find(watch_id, caller)
        self.watches.end(watch, caller.user)
        if not watch.ended_at:
            _note("watch ended", watch, caller)
        return self._show(self.watches.load(watch.watch_id) or watch)

    def alerts(
        self, caller: Caller, limit: int, watch_id: str | None = None
    ) -> list[dict[str, Any]]:
        """List the newest alerts that *caller* may see, of one watch or all."""
        of = self.find(watch_id, caller).watch_id if watch_id else None
        user = None if caller.sees_all or of else caller.user
        return [show_row(row) for row in self.watches.load_alerts(user, of, limit)]

    def alert(self, alert_id: str, caller: Caller) -> dict[str, Any]:
        """Give one alert that *caller* may see; raises ``NotFoundError``."""
        row = self.watches.load_alert(alert_id)
        if row is None or not caller.may_see(row["user"]):
            raise NotFoundError("alert", alert_id)
        return show_row(row)

    def polls(self, watch_id: str, caller: Caller, limit: int) -> list[dict[str, Any]]:
        """List the newest polls of a watch, and what came of each."""
        watch = self.find(watch_id, caller)
        return [show_row(row) for row in self.watches.load_polls(watch.watch_id, limit)]

    def find(self, watch_id: str, caller: Caller) -> Watch:
        """Find a watch that *caller* may see, by id or name; raises ``NotFoundError``."""
        watch = self.watches.load(watch_id) or self._find_by_name(watch_id, caller)
        if watch is None or not caller.may_see(watch.user):
            raise NotFoundError("watch", watch_id)
        return watch

    def _find_by_name(self, name: str, caller: Caller) -> Watch | None:
        """Find the caller's own watch of a name, or the one that he sees; else the last ended."""
        for ended in (False, True):
            named = [one for one in self.watches.load_all(ended=ended) if one.name == name]
            named = [one for one in named if caller.may_see(one.user)]
            own = [one for one in named if one.user == caller.user] or named
            if own:
                return own[0] if len(own) == 1 or ended else None
        return None

    def _show(self, watch: Watch) -> dict[str, Any]:
        polls = self.watches.load_polls(watch.watch_id, 1)
        looks = self.watches.load_looks(watch.watch_id)
        parity = self.watches.load_parity(watch.watch_id)
        return {
            "watch_id": watch.watch_id,
            "name": watch.name,
            "user": watch.user,
            **watch.terms.to_json(),
            "schedule_id": watch.schedule_id,
            "created_at": to_iso(watch.created_at),
            "ended_at": to_iso(watch.ended_at) if watch.ended_at else None,
            "next": None if watch.ended_at else self._foresee(watch),
            "as_of": to_iso(self.schedule_desk.scheduler.clock()),
            "troubled": sum(1 for one in looks if one.trouble),
            "last_poll": show_row(polls[0]) if polls else None,
            "parity": show_row(parity) if parity else None,
        }

    def _foresee(self, watch: Watch) -> str | None:
        schedule = watch.schedule_id and self.schedule_desk.schedules.load(watch.schedule_id)
        if not schedule or schedule.paused or schedule.removed_at:
            return None
        tick = self.schedule_desk.scheduler.timetable.find_next(schedule)
        return to_iso(tick) if tick else None


def _number(name: str, taken: Collection[str]) -> str:
    return next(free for number in count(2) if (free := f"{name} {number}") not in taken)


def _build_schedules(
    watch: Watch, wanted: WantedWatch, offer: Offer, caller: Caller, at: datetime
) -> list[Schedule]:
    # They are judged by an offer in which there is the watch already.
    soon = replace(offer, find_watch={watch.watch_id: watch}.get)
    polls: dict[str, Any] = {
        "name": f"watch {watch.name}"[:100],
        "payload": {"mode": "live", "watch": watch.watch_id},
        "overlap": "skip",
        "only_on_sessions": watch.terms.replay is None,
        **wanted.rhythm,
    }
    nightly: dict[str, Any] = {
        "name": f"parity {watch.name}"[:100],
        "payload": {"mode": "backtest", "watch": watch.watch_id, "last": "1d"},
        "cron": PARITY_CRON,
    }
    asked = [polls] if watch.terms.replay else [polls, nightly]
    return [build_schedule(parse_schedule(one, soon), caller, at) for one in asked]


def _show_look(state: LookState) -> dict[str, Any]:
    return {
        "setup_id": state.look.setup_id,
        "symbol": state.look.symbol,
        "seen_until": to_iso(state.seen_until) if state.seen_until else None,
        "trouble": state.trouble,
        "standing": state.standing,
    }


def _refuse_another(user: str, most: int) -> Problem:
    message = (
        f"{user} has {most} watches, the most there may be. End one that is not needed: "
        f"`setupdesk watches` shows them, and `setupdesk unwatch WATCH` ends one."
    )
    return Problem(field="", code="too_many_watches", message=message)


def _note(event: str, watch: Watch, caller: Caller) -> None:
    extra = {"watch_id": watch.watch_id, "owner": watch.user, "user": caller.user}
    log.info(event, extra=extra)
