"""Saved requests in the ledger: one row for each name of a user."""

from dataclasses import asdict, dataclass

from sqlalchemy import Engine, delete, func, insert, select

from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.tables import saved_request
from setupdesk.core.saved_request import SavedRequest


@dataclass(frozen=True, slots=True)
class SavedRequests:
    """The saved requests of all users."""

    engine: Engine

    def add(self, made: SavedRequest, most: int, *, replaces: bool) -> bool:
        """Write one down; False where its name is taken, or its user has *most* already."""
        own = saved_request.c.user == made.user
        same = (own, saved_request.c.name_key == made.name_key)
        count = select(func.count()).select_from(saved_request)
        with writing(self.engine) as connection:
            is_taken = connection.execute(count.where(*same)).scalar_one() > 0
            if is_taken and not replaces:
                return False
            if not is_taken and connection.execute(count.where(own)).scalar_one() >= most:
                return False
            connection.execute(delete(saved_request).where(*same))
            row = {**asdict(made), "payload": dict(made.payload), "name_key": made.name_key}
            connection.execute(insert(saved_request).values(row))
        return True

    def load_all(self, user: str) -> list[SavedRequest]:
        """Load those of a user, by name."""
        own = select(saved_request).where(saved_request.c.user == user)
        with reading(self.engine) as connection:
            rows = connection.execute(own.order_by(saved_request.c.name_key)).mappings().all()
        return [
            SavedRequest(**{name: row[name] for name in SavedRequest.__dataclass_fields__})
            for row in rows
        ]

    def remove(self, saved_id: str) -> None:
        """Forget one."""
        with writing(self.engine) as connection:
            connection.execute(delete(saved_request).where(saved_request.c.saved_id == saved_id))
