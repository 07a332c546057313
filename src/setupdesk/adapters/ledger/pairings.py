"""Pairings in the ledger: a key for each user of Telegram who is paired, and codes that pair."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, Engine, and_, delete, insert, select, update

from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.keys import Keys, digest_key, end_key, keep_key
from setupdesk.adapters.ledger.tables import Row, api_key, pairing_code
from setupdesk.core.caller import Role
from setupdesk.core.errors import NotFoundError, WrongCodeError
from setupdesk.core.pairing import (
    CODE_FOR,
    TELEGRAM,
    PairingCode,
    describe_pairing,
    draw_code,
    name_pairing,
    read_code,
    write_name,
)
from setupdesk.core.sign_in import derive_key

_ACTIVE = and_(
    api_key.c.key_id.startswith(TELEGRAM, autoescape=True), api_key.c.revoked_at.is_(None)
)


@dataclass(frozen=True, slots=True)
class Pairings:
    """Who of Telegram's users speaks to the desk, and as whom.

    The key of each is derived from the desk's own, which the bot has too: it is given to nobody.
    """

    engine: Engine
    clock: Callable[[], datetime]
    load_own: Callable[[], str]

    def add_code(self, user: str, role: Role) -> PairingCode:
        """Make a code; it is given back this once, and kept as its digest only."""
        describe_pairing("Telegram", user, role)
        now = self.clock()
        made = PairingCode(code=draw_code(), user=user, role=role, expires_at=now + CODE_FOR)
        row = {"sha256": _digest(made.code), "user": user, "role": role}
        with writing(self.engine) as connection:
            connection.execute(delete(pairing_code).where(pairing_code.c.expires_at <= now))
            connection.execute(insert(pairing_code).values(**row, expires_at=made.expires_at))
        return made

    def pair(self, code: str, telegram_id: int, name: str) -> Row:
        """Pair a user of Telegram by a code, which pairs nobody else; gives the pairing.

        Raises ``WrongCodeError``. Who was somebody else before has his schedules paused.
        """
        used, now = pairing_code.c.sha256 == _digest(read_code(code)), self.clock()
        with writing(self.engine) as connection:
            found = delete(pairing_code).where(used, pairing_code.c.expires_at > now)
            row = connection.execute(
                found.returning(pairing_code.c.user, pairing_code.c.role)
            ).one_or_none()
            if row is None:
                raise WrongCodeError
            self._keep(connection, telegram_id, name, row.user, Role(row.role), now)
        return self.find(telegram_id)

    def _keep(  # noqa: PLR0913, PLR0917 (all that a pairing has)
        self,
        connection: Connection,
        telegram_id: int,
        name: str,
        user: str,
        role: Role,
        now: datetime,
    ) -> None:
        key_id, usual = name_pairing(telegram_id), describe_pairing("Telegram", user, role)
        before = select(api_key.c.user).where(api_key.c.key_id == key_id)
        if connection.execute(before).scalar_one_or_none() not in {None, user}:
            end_key(connection, key_id, now)
        row = {
            "sha256": self._derive(key_id),
            "name": write_name(name),
            "user": user,
            "role": role,
            "revoked_at": None,
            "most_waiting": usual.most_waiting,
            "most_running": usual.most_running,
        }
        keep_key(connection, key_id, row, now)

    def keep_all(self) -> None:
        """Derive all keys anew, from the desk's own as it is now."""
        with writing(self.engine) as connection:
            for key_id in list(
                connection.execute(select(api_key.c.key_id).where(_ACTIVE)).scalars()
            ):
                kept = update(api_key).where(api_key.c.key_id == key_id)
                connection.execute(kept.values(sha256=self._derive(key_id)))

    def load_all(self) -> list[Row]:
        """Load who is paired, the oldest first."""
        with reading(self.engine) as connection:
            found = connection.execute(
                select(api_key).where(_ACTIVE).order_by(api_key.c.created_at)
            )
            return [_read(dict(row)) for row in found.mappings()]

    def find(self, telegram_id: int) -> Row:
        """Find as whom a user of Telegram speaks; raises ``NotFoundError``."""
        own = select(api_key).where(_ACTIVE, api_key.c.key_id == name_pairing(telegram_id))
        with reading(self.engine) as connection:
            row = connection.execute(own).mappings().one_or_none()
        if row is None:
            raise NotFoundError("pairing", str(telegram_id))
        return _read(dict(row))

    def revoke(self, telegram_id: int) -> tuple[datetime, list[str], list[str]]:
        """Let a user of Telegram say nothing more, as with any key that is taken back."""
        self.find(telegram_id)
        return Keys(self.engine, self.clock).revoke(name_pairing(telegram_id))

    def _derive(self, key_id: str) -> str:
        return digest_key(derive_key(self.load_own(), key_id))


def _read(row: Row) -> Row:
    return {
        "telegram_id": int(row["key_id"].removeprefix(TELEGRAM)),
        **{name: row[name] for name in ("name", "user", "role")},
    }


def _digest(code: str) -> str:
    return sha256(code.encode("utf-8", "surrogateescape")).hexdigest()
