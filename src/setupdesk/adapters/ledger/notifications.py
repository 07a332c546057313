"""Channels in the ledger, and what they have still to be told.

Triggers of the ledger's write a notification for each channel when a run ends or an alert comes,
in the very transaction in which it does: nothing goes untold.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    and_,
    func,
    insert,
    select,
    update,
)

from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.holding import (
    claim_held,
    hasten_digest,
    load_digest,
    put_aside,
)
from setupdesk.adapters.ledger.leases import is_free, is_past
from setupdesk.adapters.ledger.tables import alert, channel, notification, run
from setupdesk.core.channel import Channel, ChannelEvent
from setupdesk.core.channel_terms import Wanted
from setupdesk.core.manner import load_manner
from setupdesk.core.notification import Notification

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
"""How long a notification is its teller's own: longer than any attempt may take."""

CLOCK_SLACK = timedelta(days=2)
"""Nothing is put off for longer: a time beyond it was written before the clock went back."""

MOST_PUT_ASIDE = 100
"""Alerts in a row that are too old, muted or held, before whoever takes is heard again."""


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels of all users, revoked ones too."""

    engine: Engine
    clock: Callable[[], datetime]

    def add(self, made: Channel, most: int) -> bool:
        """Write a new channel down; False if its user has *most* that are not revoked."""
        row = {each.name: getattr(made, each.name) for each in fields(made)}
        row |= {"events": [*made.events], "manner": made.manner.to_json()}
        live = (channel.c.user == made.user, channel.c.revoked_at.is_(None))
        count = select(func.count()).select_from(channel).where(*live)
        with writing(self.engine) as connection:
            if connection.execute(count).scalar_one() >= most:
                return False
            connection.execute(insert(channel).values(row))
        return True

    def load(self, channel_id: str) -> Channel | None:
        """Load one channel, revoked or not."""
        wanted = select(channel).where(channel.c.channel_id == channel_id)
        with reading(self.engine) as connection:
            row = connection.execute(wanted).one_or_none()
        return _read(row) if row else None

    def load_all(self) -> list[Channel]:
        """Load all channels, the newest first."""
        newest = select(channel).order_by(channel.c.created_at.desc(), channel.c.channel_id)
        with reading(self.engine) as connection:
            return [_read(row) for row in connection.execute(newest)]

    def change(self, channel_id: str, wanted: Wanted) -> None:
        """Change a channel; a digest that waits is judged by the new manner at once."""
        values = {
            "name": wanted.name,
            "url": wanted.url,
            "events": [*wanted.events],
            "manner": wanted.manner.to_json(),
        }
        live = (channel.c.channel_id == channel_id, channel.c.revoked_at.is_(None))
        with writing(self.engine) as connection:
            connection.execute(update(channel).where(*live).values(values))
            hasten_digest(connection, channel_id, self.clock())

    def revoke(self, channel_id: str) -> None:
        """Tell a channel nothing more, nor what it has not been told yet."""
        with writing(self.engine) as connection:
            _end(connection, channel_id, self.clock(), "the channel was revoked")


@dataclass(frozen=True, slots=True)
class Notifications:
    """What is told at least once: a crash repeats one, and never loses it."""

    engine: Engine
    clock: Callable[[], datetime]

    def take_over(self) -> None:
        """Break every lease: whoever calls this knows that nobody else tells."""
        leased = (notification.c.done_at.is_(None), notification.c.lease_until.is_not(None))
        with writing(self.engine) as connection:
            connection.execute(update(notification).where(*leased).values(lease_until=None))

    def take_due(self, busy: Collection[str]) -> Notification | None:
        """Take the next one that may be tried now, of a channel that is not *busy*.

        On the way, what is too old expires, and what its channel wants later, or not today, is put
        aside.
        """
        for _ in range(MOST_PUT_ASIDE):
            found = self._find_due(busy)
            if found is None:
                return None
            if taken := self._take(found):
                return taken
        return None

    def _find_due(self, busy: Collection[str]) -> int | None:
        next_one = (
            select(notification.c.notification_id)
            .where(_is_due(self.clock()), notification.c.channel_id.not_in(busy))
            .order_by(notification.c.due_at, notification.c.notification_id)
            .limit(1)
        )
        with reading(self.engine) as connection:
            return connection.execute(next_one).scalar()

    def _take(self, notification_id: int) -> Notification | None:
        at = self.clock()
        this = notification.c.notification_id == notification_id
        due = (
            select(
                notification, channel.c.url, channel.c.manner, alert.c.expires_at, alert.c.setup_id
            )
            .join(channel)
            .outerjoin(alert, alert.c.alert_id == notification.c.alert_id)
            .where(this, _is_due(at))
        )
        leased = {"fence": notification.c.fence + 1, "lease_until": at + LEASE}
        with writing(self.engine) as connection:
            row = connection.execute(due).one_or_none()
            if row is None or put_aside(connection, row, load_manner(row.manner), at):
                return None
            connection.execute(update(notification).where(this).values(leased))
            if row.event == "digest" and row.fence == 0:
                claim_held(connection, notification_id, row.channel_id)
            return _load_taken(connection, row)

    def finish(self, taken: Notification, outcome: str, error: str | None = None) -> None:
        """End it: ``delivered``, or ``given_up`` because of *error*."""
        self._change(taken, {"done_at": self.clock(), "outcome": outcome, "last_error": error})

    def end_channel(self, taken: Notification, error: str) -> None:
        """Give it up because of *error*, and revoke its channel with all that is untold there."""
        at = self.clock()
        values = {"done_at": at, "outcome": "given_up", "last_error": error}
        self._change(
            taken, values, lambda connection: _end(connection, taken.channel_id, at, error)
        )

    def postpone(self, taken: Notification, error: str, wait: timedelta) -> None:
        """Keep it for another attempt after *wait*."""
        self._change(taken, {"due_at": self.clock() + wait, "last_error": error})

    def load_log(self, channel_ids: Collection[str], limit: int) -> list[Mapping[str, Any]]:
        """Load what these channels were told and are to be told, the newest first."""
        newest = (
            select(notification)
            .where(notification.c.channel_id.in_(channel_ids))
            .order_by(notification.c.notification_id.desc())
            .limit(limit)
        )
        with reading(self.engine) as connection:
            return [dict(row) for row in connection.execute(newest).mappings()]

    def _change(
        self,
        taken: Notification,
        values: Mapping[str, Any],
        follow_up: Callable[[Connection], None] = lambda _: None,
    ) -> None:
        mine = (
            notification.c.notification_id == taken.notification_id,
            notification.c.fence == taken.fence,
            notification.c.done_at.is_(None),
        )
        tried = {"attempts": notification.c.attempts + 1, "lease_until": None, **values}
        with writing(self.engine) as connection:
            changed = connection.execute(update(notification).where(*mine).values(tried)).rowcount
            if changed:
                follow_up(connection)
        if not changed:
            log.warning("%s is somebody else's by now, or ended", taken.message_id)


def _load_taken(connection: Connection, row: Row[Any]) -> Notification:
    manner = load_manner(row.manner)
    of_run = select(run).where(run.c.run_id == row.run_id)
    of_alert = select(alert).where(alert.c.alert_id == row.alert_id)
    ended = connection.execute(of_run).mappings().one_or_none()
    raised = connection.execute(of_alert).mappings().one_or_none()
    silent, digest = bool(raised and manner.is_silent(raised["kind"])), None
    if row.event == "digest":
        digest, silent = load_digest(connection, row.notification_id, manner)
    return Notification(
        notification_id=row.notification_id,
        message_id=row.message_id,
        fence=row.fence + 1,
        channel_id=row.channel_id,
        url=row.url,
        event=row.event,
        run=dict(ended) if ended else None,
        alert=dict(raised) if raised else None,
        digest=digest,
        silent=silent,
        created_at=row.created_at,
        attempts=row.attempts,
    )


def _end(connection: Connection, channel_id: str, at: datetime, why: str) -> None:
    live = (channel.c.channel_id == channel_id, channel.c.revoked_at.is_(None))
    untold = (notification.c.channel_id == channel_id, notification.c.done_at.is_(None))
    left = {"done_at": at, "outcome": "given_up", "last_error": why}
    connection.execute(update(channel).where(*live).values(revoked_at=at))
    connection.execute(update(notification).where(*untold).values(left))


def _is_due(at: datetime) -> ColumnElement[bool]:
    return and_(
        notification.c.done_at.is_(None),
        is_past(notification.c.due_at, at, CLOCK_SLACK),
        is_free(notification.c.lease_until, at, CLOCK_SLACK),
    )


def _read(row: Row[Any]) -> Channel:
    stored = dict(row._mapping)  # noqa: SLF001 (SQLAlchemy's public way, by this name)
    events = tuple(ChannelEvent(one) for one in row.events)
    return Channel(**{**stored, "events": events, "manner": load_manner(row.manner)})
