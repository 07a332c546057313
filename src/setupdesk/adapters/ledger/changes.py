"""The log of changes: who made, changed and ended which standing request, in its transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.tables import Row, change_log


def note_change(  # noqa: PLR0913, PLR0917 (who did what to what of whom, and when)
    connection: Connection,
    at: datetime,
    user: str,
    owner: str,
    deed: str,
    subject: str,
    said: Mapping[str, Any],
) -> None:
    """Write one change down."""
    row = {"at": at, "user": user, "owner": owner, "deed": deed, "subject": subject}
    connection.execute(insert(change_log).values({**row, "said": dict(said)}))


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of all users."""

    engine: Engine

    def note(
        self, at: datetime, user: str, deed: str, subject: str, said: Mapping[str, Any]
    ) -> None:
        """Write down what a user has done with what is his."""
        with writing(self.engine) as connection:
            note_change(connection, at, user, user, deed, subject, said)

    def load(self, limit: int, owner: str | None = None) -> list[Row]:
        """Load the newest changes, of what is of all users or of one."""
        newest = select(change_log).order_by(change_log.c.change_id.desc()).limit(limit)
        if owner is not None:
            newest = newest.where(change_log.c.owner == owner)
        with reading(self.engine) as connection:
            return [dict(row) for row in connection.execute(newest).mappings()]
