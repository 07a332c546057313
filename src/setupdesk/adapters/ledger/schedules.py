"""Schedules in the ledger: who wants what started when, kept also when it is removed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from setupdesk.adapters.ledger.changes import note_change
from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.tables import DUE, schedule, tick
from setupdesk.core.schedule import Schedule, Terms, load_terms


@dataclass(frozen=True, slots=True)
class Schedules:
    """The schedules of all users."""

    engine: Engine
    clock: Callable[[], datetime]

    def add(self, made: Schedule, most: int) -> bool:
        """Write a new schedule down; False if its user has *most* that were not removed.

        One that is there already, as the same request came twice at once, stays as it is.
        """
        same = select(schedule.c.schedule_id).where(schedule.c.schedule_id == made.schedule_id)
        live = (schedule.c.user == made.user, schedule.c.removed_at.is_(None))
        count = select(func.count()).select_from(schedule).where(*live)
        with writing(self.engine) as connection:
            if connection.execute(same).scalar():
                return True
            if connection.execute(count).scalar_one() >= most:
                return False
            write_schedule(connection, made)
            said = {"name": made.name, **made.terms.to_json(), "paused": made.paused}
            made_by = (self.clock(), made.user, made.user)
            note_change(connection, *made_by, "schedule made", made.schedule_id, said)
        return True

    def load(self, schedule_id: str) -> Schedule | None:
        """Load one schedule, removed or not."""
        wanted = select(schedule).where(schedule.c.schedule_id == schedule_id)
        with reading(self.engine) as connection:
            row = connection.execute(wanted).one_or_none()
        return read_schedule(row) if row else None

    def load_all(self) -> list[Schedule]:
        """Load every schedule that was not removed, the newest first."""
        live = select(schedule).where(schedule.c.removed_at.is_(None))
        newest = live.order_by(schedule.c.created_at.desc(), schedule.c.schedule_id)
        with reading(self.engine) as connection:
            return [read_schedule(row) for row in connection.execute(newest)]

    def change(  # noqa: PLR0913 (what it is from now on)
        self, one: Schedule, name: str, terms: Terms, *, paused: bool, restarts: bool, by: str
    ) -> None:
        """Change a schedule; one that *restarts* is due again from now on, and not before."""
        at = self.clock()
        values: dict[str, Any] = {"name": name, "terms": terms.to_json(), "paused": paused}
        if restarts:
            values["accounted_until"] = at
        of_it = schedule.c.schedule_id == one.schedule_id
        said = {"name": name, **terms.to_json(), "paused": paused}
        before = {"name": one.name, **one.terms.to_json(), "paused": one.paused}
        changed = {key: value for key, value in said.items() if value != before.get(key)}
        with writing(self.engine) as connection:
            connection.execute(update(schedule).where(of_it).values(**values, changed_at=at))
            note_change(connection, at, by, one.user, "schedule changed", one.schedule_id, changed)

    def remove(self, one: Schedule, by: str) -> None:
        """Let a schedule start nothing more; the first time counts."""
        at, of_it = self.clock(), schedule.c.schedule_id == one.schedule_id
        removed = update(schedule).where(of_it, schedule.c.removed_at.is_(None))
        with writing(self.engine) as connection:
            if connection.execute(removed.values(removed_at=at)).rowcount:
                told = ("schedule removed", one.schedule_id, {"name": one.name})
                note_change(connection, at, by, one.user, *told)

    def load_ticks(self, schedule_id: str, limit: int) -> list[dict[str, Any]]:
        """Load what became of the ticks of a schedule, the newest first."""
        newest = (
            select(tick)
            .where(tick.c.schedule_id == schedule_id)
            .order_by(tick.c.due_at.desc())
            .limit(limit)
        )
        with reading(self.engine) as connection:
            return [dict(row) for row in connection.execute(newest).mappings()]

    def find_oldest_due(self) -> tuple[int, datetime | None]:
        """Count the ticks that START was not asked for yet; give when the oldest was due."""
        waiting = select(func.count(), func.min(tick.c.due_at)).where(DUE)
        with reading(self.engine) as connection:
            count, oldest = connection.execute(waiting).one()
        return count, oldest


def write_schedule(connection: Connection, made: Schedule) -> None:
    """Write the row of a new schedule."""
    row = {
        "schedule_id": made.schedule_id,
        "name": made.name,
        "user": made.user,
        "key_id": made.key_id,
        "terms": made.terms.to_json(),
        "paused": made.paused,
        "created_at": made.created_at,
        "changed_at": made.changed_at,
        "accounted_until": made.accounted_until,
    }
    connection.execute(insert(schedule).values(row))


def read_schedule(row: Row[Any]) -> Schedule:
    """Read a row of the table, or one that was joined to it."""
    stored = {column.name: row._mapping[column] for column in schedule.c}  # noqa: SLF001 (public)
    return Schedule(**{**stored, "terms": load_terms(stored["terms"])})
