"""Mutes in the ledger: a channel has one for each setup that it is not told of now."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, insert, select

from setupdesk.adapters.ledger.changes import note_change
from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.tables import channel, mute
from setupdesk.core.mute import Mute


@dataclass(frozen=True, slots=True)
class Mutes:
    """The mutes of all channels; each one, and its end before its time, is a change on record."""

    engine: Engine
    clock: Callable[[], datetime]

    def add(self, made: Mute, by: str) -> None:
        """Write a mute down, in the place of an earlier one of that setup there."""
        with writing(self.engine) as connection:
            _remove(connection, made.channel_id, made.setup_id)
            connection.execute(insert(mute).values(asdict(made)))
            self._note(connection, "setup muted", made.channel_id, by, made.to_json())

    def end(self, channel_id: str, setup_id: str, by: str) -> None:
        """Tell a channel of a setup again; where it was not muted, nothing changes."""
        with writing(self.engine) as connection:
            if _remove(connection, channel_id, setup_id):
                self._note(connection, "setup unmuted", channel_id, by, {"setup_id": setup_id})

    def _note(
        self, connection: Connection, deed: str, channel_id: str, by: str, said: dict[str, str]
    ) -> None:
        owner = select(channel.c.user).where(channel.c.channel_id == channel_id)
        of = connection.execute(owner).scalar_one()
        note_change(connection, self.clock(), by, of, deed, channel_id, said)

    def load_all(self) -> list[Mute]:
        """Load the mutes that still hold, by setup."""
        held = select(mute).where(mute.c.until > self.clock()).order_by(mute.c.setup_id)
        with reading(self.engine) as connection:
            return [Mute(**row) for row in connection.execute(held).mappings()]


def is_muted(connection: Connection, channel_id: str, setup_id: str | None, at: datetime) -> bool:
    """Say whether a channel is not told of a setup at *at*."""
    this = (mute.c.channel_id == channel_id, mute.c.setup_id == setup_id, mute.c.until > at)
    return connection.execute(select(mute.c.setup_id).where(*this)).first() is not None


def _remove(connection: Connection, channel_id: str, setup_id: str) -> bool:
    this = (mute.c.channel_id == channel_id, mute.c.setup_id == setup_id)
    return connection.execute(delete(mute).where(*this)).rowcount > 0
