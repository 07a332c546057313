"""What the desk has put right by itself: findings and deeds, for people to look at."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, insert, select

from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.tables import Row, repair


@dataclass(frozen=True, slots=True)
class Repairs:
    """The list of repairs, which only grows."""

    engine: Engine
    clock: Callable[[], datetime]

    def note(self, run_id: str | None, finding: str, deed: str) -> None:
        """Write down what was wrong and what was done about it."""
        with writing(self.engine) as connection:
            note_repair(connection, self.clock(), run_id, finding, deed)

    def load_repairs(self, limit: int) -> list[Row]:
        """Load the newest repairs, the newest first."""
        newest = select(repair).order_by(repair.c.repair_id.desc()).limit(limit)
        with reading(self.engine) as connection:
            return [dict(row) for row in connection.execute(newest).mappings()]


def note_repair(
    connection: Connection, at: datetime, run_id: str | None, finding: str, deed: str
) -> None:
    """Write a repair down in the transaction that makes it."""
    row = {"at": at, "run_id": run_id, "finding": finding, "deed": deed}
    connection.execute(insert(repair), row)
