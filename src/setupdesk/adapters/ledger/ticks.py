"""Ticks in the ledger: claimed before START is asked, settled when it has answered.

A tick is claimed by its row, of which there can be one, in the transaction that judges the
overlap. START knows each request of it by a key of its own. So whoever finds a claimed tick may
ask START for it: after a crash, or beside another scheduler, that gives the first answer again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, and_, bindparam, func, select, update
from sqlalchemy.dialects.sqlite import insert

from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.schedules import read_schedule
from setupdesk.adapters.ledger.tables import DECIDES, DUE, audit_log, run, schedule, tick
from setupdesk.app.scheduler import Settled
from setupdesk.core.run import RunState
from setupdesk.core.schedule import Fate, Outcome, Schedule, judge_overlap, name_tick

_CLAIM = insert(tick).on_conflict_do_nothing()
_ACCOUNT = (
    update(schedule)
    .where(
        schedule.c.schedule_id == bindparam("of"),
        schedule.c.changed_at == bindparam("as_of"),
        schedule.c.accounted_until == bindparam("since"),
        schedule.c.removed_at.is_(None),
    )
    .values(accounted_until=bindparam("until"))
)
_WAITING = select(func.count()).where(tick.c.schedule_id == bindparam("of"), DUE)
_UNDER_WAY = [state.value for state in RunState if not state.is_final]


@dataclass(frozen=True, slots=True)
class Ticks:
    """The ticks of all schedules."""

    engine: Engine
    clock: Callable[[], datetime]

    def claim(self, judged: Sequence[tuple[Schedule, Sequence[Fate]]], now: datetime) -> None:
        """Write down what becomes of ticks, all in one; the due ones are judged by the overlap.

        Where a schedule was changed or accounted for meanwhile, nothing of it is written.
        """
        with writing(self.engine) as connection:
            for one, fates in judged:
                _claim(connection, one, fates, now)

    def claim_now(self, schedule_id: str, due_at: datetime, reason: str) -> None:
        """Write down a tick that a user wants beside those of the rhythm."""
        row = _row(schedule_id, Fate(due_at, Outcome.DUE, reason), due_at)
        with writing(self.engine) as connection:
            connection.execute(_CLAIM, row)

    def load_due(self) -> list[tuple[Schedule, datetime, str | None]]:
        """Load the ticks that START has to be asked for, oldest first, also of removed ones."""
        wanted = (
            select(schedule, tick.c.due_at, tick.c.reason)
            .join(schedule, schedule.c.schedule_id == tick.c.schedule_id)
            .where(DUE)
            .order_by(tick.c.due_at, tick.c.schedule_id)
        )
        with reading(self.engine) as connection:
            found = connection.execute(wanted)
            return [(read_schedule(row), row.due_at, row.reason) for row in found]

    def find_under_way(self, one: Schedule, but: datetime | None = None) -> list[str]:
        """Find the runs of a schedule that are under way, except those of one tick."""
        with reading(self.engine) as connection:
            return _find_under_way(connection, one, but)

    def find_started(self, one: Schedule, due_at: datetime) -> list[str]:
        """Find the runs that a tick has started."""
        with reading(self.engine) as connection:
            return [
                row.run_id
                for row in connection.execute(_started(one, name_tick(one.schedule_id, due_at)))
            ]

    def settle(self, settled: Sequence[Settled]) -> None:
        """Write down what became of claimed ticks, all in one; what was settled before stays."""
        at = self.clock()
        with writing(self.engine) as connection:
            for one in settled:
                of_it = and_(
                    tick.c.schedule_id == one.schedule_id, tick.c.due_at == one.fate.tick, DUE
                )
                values = {
                    "outcome": one.fate.outcome.value,
                    "reason": one.fate.reason,
                    "run_ids": list(one.run_ids),
                    "at": at,
                }
                connection.execute(update(tick).where(of_it).values(values))


def _claim(connection: Connection, one: Schedule, fates: Sequence[Fate], now: datetime) -> None:
    moved = connection.execute(
        _ACCOUNT,
        {
            "of": one.schedule_id,
            "as_of": one.changed_at,
            "since": one.accounted_until,
            "until": fates[-1].tick,
        },
    )
    if not moved.rowcount:
        return
    waiting = connection.execute(_WAITING, {"of": one.schedule_id}).scalar_one()
    under_way = bool(_find_under_way(connection, one))
    final = judge_overlap(one.terms.overlap, fates, waiting=waiting, under_way=under_way)
    connection.execute(_CLAIM, [_row(one.schedule_id, fate, now) for fate in final])


def _row(schedule_id: str, fate: Fate, at: datetime) -> dict[str, Any]:
    return {
        "schedule_id": schedule_id,
        "due_at": fate.tick,
        "outcome": fate.outcome.value,
        "reason": fate.reason,
        "run_ids": [],
        "at": at,
    }


def _find_under_way(
    connection: Connection, one: Schedule, but: datetime | None = None
) -> list[str]:
    # From the few runs that are under way, and not from all that the schedule ever started.
    found = connection.execute(
        select(run.c.run_id, audit_log.c.idempotency_key)
        .join(audit_log, audit_log.c.run_id == run.c.run_id)
        .where(
            run.c.state.in_(_UNDER_WAY),
            audit_log.c.user == one.user,
            audit_log.c.idempotency_key.startswith(f"sched:{one.schedule_id}:"),
        )
    )
    own = name_tick(one.schedule_id, but) if but else None
    return [row.run_id for row in found if not own or not row.idempotency_key.startswith(own)]


def _started(one: Schedule, prefix: str) -> Any:
    return (
        select(audit_log.c.run_id)
        .where(
            DECIDES,
            audit_log.c.user == one.user,
            audit_log.c.idempotency_key >= f"{prefix}:",
            audit_log.c.idempotency_key < f"{prefix};",
            audit_log.c.run_id.is_not(None),
        )
        .order_by(audit_log.c.audit_id)
    )
