"""The Scheduler: turns due ticks into requests to START, and nothing else.

Each tick has one row, whatever became of it. A tick is claimed by its row before START is asked,
and START knows each of its requests by a key: so it starts once, over any number of schedulers,
crashes and steps of the clock.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from threading import Event
from typing import Any, Protocol

from setupdesk.app.ports import Clock
from setupdesk.app.start import Start
from setupdesk.app.timetable import Timetable
from setupdesk.core.caller import NO_QUOTA, Quota
from setupdesk.core.errors import KeyConflictError, LedgerUnavailableError
from setupdesk.core.period import to_iso
from setupdesk.core.problem import Problem
from setupdesk.core.run import Door
from setupdesk.core.schedule import (
    NIGHTLY_DEADLINE,
    ON_TIME,
    Fate,
    Outcome,
    Overlap,
    Schedule,
    find_deadline,
    judge_due,
)

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
"""Within so long, a schedule that was made or changed is known, and a step of the clock seen."""

AT_ONCE = 16
"""Schedules whose requests START is asked at the same time; it writes them down together."""

LEAST_WAIT = 0.05
"""After a look that found nothing: also if there is something that cannot be judged."""

MOST_REASONS = 3

SLOW = timedelta(minutes=1)
"""A tick that waits for longer to be accounted for means that no Scheduler works."""

LONG = timedelta(hours=1)
"""A clock that goes back by less is waited for."""

Due = tuple[Schedule, datetime, str | None]


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a claimed tick, and the runs that it started."""

    schedule_id: str
    fate: Fate
    run_ids: Sequence[str] = ()


class Schedules(Protocol):
    """Where schedules are kept."""

    def load_all(self) -> list[Schedule]:
        """Load every schedule that was not removed."""


class Ticks(Protocol):
    """Where ticks are kept."""

    def claim(self, judged: Sequence[tuple[Schedule, Sequence[Fate]]], now: datetime) -> None:
        """Write down what becomes of ticks; the due ones are judged by the overlap."""

    def load_due(self) -> list[Due]:
        """Load the ticks that START has to be asked for, oldest first."""

    def find_under_way(self, one: Schedule, but: datetime | None = None) -> list[str]:
        """Find the runs of a schedule that are under way, except those of one tick."""

    def find_started(self, one: Schedule, due_at: datetime) -> list[str]:
        """Find the runs that a tick has started."""

    def settle(self, settled: Sequence[Settled]) -> None:
        """Write down what became of claimed ticks, all in one; what was settled before stays."""


@dataclass(frozen=True, slots=True)
class Fire:
    """Asks START for the requests of a tick, which may be done again and starts nothing twice."""

    ticks: Ticks
    start: Start
    load_quota: Callable[[str | None], Quota]
    """Gives what may be asked for with the key that made a schedule."""

    def __call__(self, one: Schedule, tick: datetime, reason: str | None) -> Settled:
        """Ask; give what came of it."""
        run_ids, refused, is_first = self._ask(one, tick)
        if not is_first:
            # Who asked before may have asked for more, before the schedule was changed.
            run_ids = self.ticks.find_started(one, tick)
        outcome = Outcome.FIRED if run_ids else Outcome.REFUSED
        told = "; ".join(part for part in (reason, _count_refused(one, refused)) if part)
        log.info("tick %s", outcome, extra={"schedule_id": one.schedule_id, "tick": to_iso(tick)})
        return Settled(one.schedule_id, Fate(tick, outcome, told or None), run_ids)

    def _ask(
        self, one: Schedule, tick: datetime
    ) -> tuple[list[str], list[Sequence[Problem]], bool]:
        quota = self.load_quota(one.key_id) if one.key_id else NO_QUOTA
        run_ids, refused, is_first = list[str](), list[Sequence[Problem]](), True
        for number, payload in enumerate(one.terms.payloads):
            key = one.name_request(tick, number)
            try:
                receipt = self.start(
                    payload, user=one.user, door=Door.SCHEDULER, key=key, quota=quota
                )
            except KeyConflictError:
                # It was asked for before the schedule was changed, and that stands.
                is_first = False
                continue
            is_first = is_first and receipt.first_text is None
            if receipt.run_id:
                run_ids.append(receipt.run_id)
            else:
                refused.append(receipt.problems)
        return run_ids, refused, is_first


@dataclass(frozen=True, slots=True)
class Scheduler:
    """Finds what is due, judges it, and fires it."""

    schedules: Schedules
    ticks: Ticks
    timetable: Timetable
    fire: Fire
    cancel: Callable[[str, str, Door], Any]
    """Stops a run, in the name of a user."""

    clock: Clock

    def run_for_ever(self, stop: Event) -> None:
        """Work until *stop*; what is claimed then is fired by the next scheduler."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="scheduler") as pool:
            while not stop.is_set():
                wait = POLL_SECONDS
                try:
                    wait = self.work_once(pool)
                except LedgerUnavailableError:
                    # It says so itself in the log, and what is due stays due.
                    wait = POLL_SECONDS * 10
                except Exception:
                    log.exception("the scheduler met a bug")
                    wait = POLL_SECONDS * 10
                # A wait by the steady clock, and short: a step of the wall clock is soon seen.
                stop.wait(wait)

    def work_once(self, pool: ThreadPoolExecutor | None = None) -> float:
        """Account for all that is due now; give the seconds until it is worth another look."""
        now = self.clock()
        live = self.schedules.load_all()
        judged = [found for one in live if (found := self._judge(one, now))]
        if judged:
            self.ticks.claim(judged, now)
        due = sorted(self.ticks.load_due(), key=lambda found: found[0].schedule_id)
        batches = [list(batch) for _, batch in groupby(due, lambda found: found[0].schedule_id)]
        worked = (pool.map if pool else map)(self._work_off, batches)
        if settled := [one for batch in worked for one in batch]:
            self.ticks.settle(settled)
        if judged:
            return self._find_wait(self.schedules.load_all())
        return max(self._find_wait(live), LEAST_WAIT)

    def find_fault(self) -> str:
        """Say what is wrong: a tick that nobody accounts for, or one of a time to come that was.

        Empty where nothing is.
        """
        now, live = self.clock(), self.schedules.load_all()
        ahead = [one.schedule_id for one in live if one.accounted_until > now + LONG]
        if ahead:
            return f"the clock was ahead, and {ahead[0]} is accounted for until after now"
        due = [tick for one in live if (tick := self._foresee(one)) and now - tick > SLOW]
        late = (now - min(due)).total_seconds() if due else 0
        return f"a tick is due for {late:,.0f} s" if due else ""

    def account_for(self, one: Schedule) -> None:
        """Write down what becomes of the ticks of a schedule that are due, before it changes."""
        while (found := self._judge(one, now := self.clock())) and found[1]:
            self.ticks.claim([found], now)
            fresh = [each for each in self.schedules.load_all() if _is_same(each, one)]
            if not fresh or fresh[0].accounted_until == one.accounted_until:
                return
            one = fresh[0]

    def _judge(self, one: Schedule, now: datetime) -> tuple[Schedule, list[Fate]] | None:
        try:
            first = self.timetable.find_next(one)
            if first is None or first > now:
                return None
            return one, judge_due(one, self.timetable.find_due(one, now), now)
        except Exception:
            # One that cannot be understood must not hold up the others.
            log.exception("a schedule met a bug", extra={"schedule_id": one.schedule_id})
            return None

    def _work_off(self, batch: Sequence[Due]) -> list[Settled]:
        settled = []
        for one, tick, reason in batch:
            try:
                settled.append(self._work_off_one(one, tick, reason))
            except LedgerUnavailableError:
                # What is asked for and not written down is asked for again, and starts nothing.
                break
            except Exception:
                log.exception("a tick met a bug", extra={"schedule_id": one.schedule_id})
        return [one for one in settled if one]

    def _work_off_one(self, one: Schedule, tick: datetime, reason: str | None) -> Settled | None:
        fate, overlap = self._find_end(one, tick), one.terms.overlap
        if fate and not self.ticks.find_started(one, tick):
            return Settled(one.schedule_id, fate)
        if overlap is Overlap.QUEUE_ONE and self.ticks.find_under_way(one, but=tick):
            return None
        if overlap is Overlap.CANCEL_PREVIOUS and not self.ticks.find_started(one, tick):
            for run_id in self.ticks.find_under_way(one, but=tick):
                self.cancel(run_id, one.user, Door.SCHEDULER)
        return self.fire(one, tick, reason)

    def _find_end(self, one: Schedule, tick: datetime) -> Fate | None:
        """Find why a tick that was claimed, and never asked for, is not asked for any more."""
        if one.removed_at:
            return Fate(tick, Outcome.REFUSED, "the schedule was removed before")
        deadline = find_deadline(one.terms, tick)
        if one.terms.overlap is Overlap.QUEUE_ONE and not one.terms.start_deadline:
            deadline = NIGHTLY_DEADLINE
        if self.clock() - tick <= max(deadline, ON_TIME):
            return None
        return Fate(tick, Outcome.MISSED_LATE, "it waited for longer than it may start late")

    def _find_wait(self, live: Sequence[Schedule]) -> float:
        now = self.clock()
        coming = [tick for one in live if (tick := self._foresee(one))]
        seconds = (min(coming) - now).total_seconds() if coming else POLL_SECONDS
        return min(max(seconds, 0.0), POLL_SECONDS)

    def _foresee(self, one: Schedule) -> datetime | None:
        try:
            return self.timetable.find_next(one)
        except Exception:  # noqa: BLE001 (told where it is judged)
            return None


def _is_same(each: Schedule, one: Schedule) -> bool:
    return each.schedule_id == one.schedule_id


def _count_refused(one: Schedule, refused: Sequence[Sequence[Problem]]) -> str:
    if not refused:
        return ""
    said = [problem.sentence for problems in refused for problem in problems][:MOST_REASONS]
    return f"{len(refused)} of {len(one.terms.payloads)} refused: {' '.join(said)}"


def show_tick(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give what became of a tick as every door shows it."""
    return {
        "due_at": to_iso(row["due_at"]),
        "outcome": row["outcome"],
        "reason": row["reason"],
        "run_ids": list(row["run_ids"]),
        "at": to_iso(row["at"]),
    }
