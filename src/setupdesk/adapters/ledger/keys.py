"""Keys to the API in the ledger: whose each is, what it allows, and until when. Never the key."""

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Engine, and_, bindparam, insert, select, update
from sqlalchemy import Row as Found
from sqlalchemy.dialects.sqlite import insert as insert_or_update

from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.tables import Row, api_key, hook, schedule
from setupdesk.core.caller import (
    NO_QUOTA,
    OWN_KEY,
    SIGN_IN,
    Caller,
    NewKey,
    Quota,
    Role,
    name_sign_in,
)
from setupdesk.core.errors import NotAllowedError, NotFoundError
from setupdesk.core.sign_in import derive_key

# Built once: every request looks for its key.
_BY_DIGEST = select(api_key).where(api_key.c.sha256 == bindparam("digest"))


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that were given out."""

    engine: Engine
    clock: Callable[[], datetime]

    def add(self, new: NewKey) -> tuple[str, Row]:
        """Make a key; it is given back this once, with its row, and kept as its digest only."""
        key, at = f"sdk_{secrets.token_urlsafe(32)}", self.clock()
        row = {
            "key_id": f"key_{secrets.token_hex(4)}",
            "sha256": digest_key(key),
            "name": new.name,
            "user": new.user,
            "role": new.role,
            "created_at": at,
            "expires_at": at + timedelta(days=new.days) if new.days else None,
            "revoked_at": None,
            "requests_per_minute": new.requests_per_minute,
            "most_waiting": new.most_waiting,
            "most_running": new.most_running,
            "most_bars": new.most_bars,
        }
        with writing(self.engine) as connection:
            connection.execute(insert(api_key), row)
        return key, row

    def keep_own(self, key: str, owner: str) -> None:
        """Let the *key* in the desk's home, and no earlier one, be that of its owner."""
        row = {
            "sha256": digest_key(key),
            "name": "api.key in the desk's home",
            "user": owner,
            "role": Role.ADMIN,
        }
        with writing(self.engine) as connection:
            keep_key(connection, OWN_KEY, row, self.clock())

    def keep_sign_ins(self, own: str, roles: Mapping[str, Role]) -> None:
        """Let the users that *roles* names, and no others, have a key for the web desk.

        It is derived from the desk's *own*, and given to nobody. Who is not named any more has
        his hooks ended and his schedules paused, as with any key that is taken back.
        """
        wanted = {name_sign_in(user): (user, role) for user, role in roles.items()}
        with reading(self.engine) as connection:
            kept = select(api_key.c.key_id).where(
                api_key.c.key_id.startswith(SIGN_IN, autoescape=True),
                api_key.c.revoked_at.is_(None),
            )
            gone = set(connection.execute(kept).scalars()) - set(wanted)
        for key_id in sorted(gone):
            self.revoke(key_id)
        with writing(self.engine) as connection:
            for key_id, (user, role) in wanted.items():
                row = _build_sign_in(derive_key(own, user), user, role)
                keep_key(connection, key_id, row, self.clock())

    def find_caller(self, key: str) -> Caller:
        """Find whose a key is; raises ``NotAllowedError`` for one that is not, or no longer."""
        if not key:
            raise NotAllowedError("no_key")
        digest = digest_key(key)
        with reading(self.engine) as connection:
            row = connection.execute(_BY_DIGEST, {"digest": digest}).one_or_none()
        if row is None or not hmac.compare_digest(row.sha256, digest):
            raise NotAllowedError("wrong_key")
        if row.revoked_at:
            raise NotAllowedError("revoked_key")
        if row.expires_at and row.expires_at <= self.clock():
            raise NotAllowedError("expired_key")
        return Caller(user=row.user, role=Role(row.role), quota=_read_quota(row))

    def load_caller(self, key_id: str) -> Caller | None:
        """Load who asks with a key; None where it opens nothing now."""
        with reading(self.engine) as connection:
            of_the_key = select(api_key).where(api_key.c.key_id == key_id)
            row = connection.execute(of_the_key).one_or_none()
        if row is None or not self._opens(row.revoked_at, row.expires_at):
            return None
        return Caller(user=row.user, role=Role(row.role), quota=_read_quota(row))

    def load_quota(self, key_id: str | None) -> Quota:
        """Load how much may be asked for with a key, also with one that opens nothing now."""
        with reading(self.engine) as connection:
            of_the_key = select(api_key).where(api_key.c.key_id == key_id)
            row = connection.execute(of_the_key).one_or_none()
        return _read_quota(row) if row else NO_QUOTA

    def still_opens(self, key_id: str) -> bool:
        """Say whether a key that was right before opens the desk at this moment."""
        of_the_key = select(api_key.c.revoked_at, api_key.c.expires_at)
        with reading(self.engine) as connection:
            row = connection.execute(of_the_key.where(api_key.c.key_id == key_id)).one_or_none()
        return row is not None and self._opens(row.revoked_at, row.expires_at)

    def _opens(self, revoked_at: datetime | None, expires_at: datetime | None) -> bool:
        return revoked_at is None and (expires_at is None or expires_at > self.clock())

    def load_keys(self) -> list[Row]:
        """Load every key that was given out, without its digest, the oldest first."""
        shown = [column for column in api_key.c if column is not api_key.c.sha256]
        with reading(self.engine) as connection:
            found = connection.execute(select(*shown).order_by(api_key.c.created_at))
            return [dict(row) for row in found.mappings()]

    def revoke(self, key_id: str) -> tuple[datetime, list[str], list[str]]:
        """Let a key open nothing from now on, nor the hooks that were made with it.

        The schedules that were made with it are paused. Gives since when it does not open
        anything, which hooks ended and which schedules were paused now.
        """
        with writing(self.engine) as connection:
            of_the_key = api_key.c.key_id == key_id
            row = connection.execute(select(api_key).where(of_the_key)).one_or_none()
            if row is None:
                raise NotFoundError("key", key_id)
            at: datetime = row.revoked_at or self.clock()
            return at, *end_key(connection, key_id, at)


def end_key(connection: Connection, key_id: str, at: datetime) -> tuple[list[str], list[str]]:
    """End a key with its hooks, and pause its schedules; gives which ended, and which paused."""
    ended = update(api_key).where(api_key.c.key_id == key_id)
    connection.execute(ended.values(revoked_at=at))
    made_with_it = and_(hook.c.key_id == key_id, hook.c.revoked_at.is_(None))
    hooks = update(hook).where(made_with_it).values(revoked_at=at).returning(hook.c.hook_id)
    return list(connection.execute(hooks).scalars()), _pause_schedules(connection, key_id, at)


def keep_key(connection: Connection, key_id: str, row: Row, at: datetime) -> None:
    """Write a key down that comes with every start, or with every pairing, in place of itself."""
    kept = insert_or_update(api_key).values(key_id=key_id, created_at=at, **row)
    connection.execute(kept.on_conflict_do_update(index_elements=["key_id"], set_=row))


def _build_sign_in(key: str, user: str, role: Role) -> Row:
    # As much as a key may that is given out; the pages ask often, so requests are not counted.
    usual = NewKey(name="sign-in at the web desk", user=user, role=role, days=None)
    return {
        "sha256": digest_key(key),
        "name": usual.name,
        "user": user,
        "role": role,
        "revoked_at": None,
        "most_waiting": usual.most_waiting,
        "most_running": usual.most_running,
    }


def _pause_schedules(connection: Connection, key_id: str, at: datetime) -> list[str]:
    went_on = and_(
        schedule.c.key_id == key_id,
        schedule.c.removed_at.is_(None),
        schedule.c.paused.is_(False),
    )
    pausing = update(schedule).where(went_on).values(paused=True, changed_at=at)
    return list(connection.execute(pausing.returning(schedule.c.schedule_id)).scalars())


def digest_key(key: str) -> str:
    """Give what is kept of a key."""
    return sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _read_quota(row: Found[Any]) -> Quota:
    return Quota(
        key_id=row.key_id,
        requests_per_minute=row.requests_per_minute,
        most_waiting=row.most_waiting,
        most_running=row.most_running,
        most_bars=row.most_bars,
    )
