"""Hooks in the ledger: who may start what from outside. The token's hash alone is kept."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, func, insert, select, update

from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.tables import hook
from setupdesk.core.hook import Hook, HookKind


@dataclass(frozen=True, slots=True)
class Hooks:
    """The hooks of all users, revoked ones too."""

    engine: Engine
    clock: Callable[[], datetime]

    def add(self, made: Hook, most: int) -> bool:
        """Write a new hook down; False if its user has *most* that are not revoked."""
        row = {**asdict(made), "fields": list(made.fields), "senders": list(made.senders)}
        live = (hook.c.user == made.user, hook.c.revoked_at.is_(None))
        count = select(func.count()).select_from(hook).where(*live)
        with writing(self.engine) as connection:
            if connection.execute(count).scalar_one() >= most:
                return False
            connection.execute(insert(hook).values(row))
        return True

    def find(self, sha256: str) -> Hook | None:
        """Find the hook of a token by its hash, unless it is revoked."""
        wanted = select(hook).where(hook.c.sha256 == sha256, hook.c.revoked_at.is_(None))
        with reading(self.engine) as connection:
            row = connection.execute(wanted).one_or_none()
        return _read(row) if row else None

    def load(self, hook_id: str) -> Hook | None:
        """Load one hook, revoked or not."""
        with reading(self.engine) as connection:
            row = connection.execute(select(hook).where(hook.c.hook_id == hook_id)).one_or_none()
        return _read(row) if row else None

    def load_all(self) -> list[Hook]:
        """Load all hooks, the newest first."""
        newest = select(hook).order_by(hook.c.created_at.desc(), hook.c.hook_id)
        with reading(self.engine) as connection:
            return [_read(row) for row in connection.execute(newest)]

    def revoke(self, hook_id: str) -> None:
        """Let a hook start nothing more; the first time counts."""
        live = (hook.c.hook_id == hook_id, hook.c.revoked_at.is_(None))
        with writing(self.engine) as connection:
            connection.execute(update(hook).where(*live).values(revoked_at=self.clock()))


def _read(row: Row[Any]) -> Hook:
    stored = dict(row._mapping)  # noqa: SLF001 (SQLAlchemy's public way, by this name)
    return Hook(
        **{
            **stored,
            "kind": HookKind(row.kind),
            "fields": tuple(row.fields),
            "senders": tuple(row.senders),
        }
    )
