"""Alerts that are not told now: too old, muted, or held until a digest tells them all at once.

What becomes of one, and the digest that will tell it, are written in one transaction.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from setupdesk.adapters.ledger.mutes import is_muted
from setupdesk.adapters.ledger.tables import alert, notification
from setupdesk.core.manner import HOUR, Manner
from setupdesk.core.notification import MOST_SHOWN, Digest, name_subject

log = logging.getLogger(__name__)


def put_aside(connection: Connection, due: Row[Any], manner: Manner, at: datetime) -> bool:
    """Say whether what is *due* is not to be told now, and write down what becomes of it."""
    if due.event == "alert":
        return (
            _expire(connection, due, at)
            or _mute(connection, due, at)
            or _hold(connection, due, manner, at)
        )
    if due.event == "digest" and (until := manner.find_quiet_end(at)):
        _set(connection, due, due_at=until)
        return True
    return False


def _expire(connection: Connection, due: Row[Any], at: datetime) -> bool:
    if at < due.expires_at:
        return False
    _set(connection, due, done_at=at, outcome="expired")
    log.info("%s is too old to be told to %s", due.alert_id, due.channel_id)
    return True


def _mute(connection: Connection, due: Row[Any], at: datetime) -> bool:
    if not is_muted(connection, due.channel_id, due.setup_id, at):
        return False
    _set(connection, due, done_at=at, outcome="muted")
    log.info("%s is not told to %s: %s is muted", due.alert_id, due.channel_id, due.setup_id)
    return True


def _hold(connection: Connection, due: Row[Any], manner: Manner, at: datetime) -> bool:
    told = _find_told(connection, due.channel_id, at, manner.most_per_hour)
    until = manner.find_release(at, told)
    if until is None:
        return False
    _set(connection, due, done_at=at, outcome="held")
    _plan_digest(connection, due.channel_id, at, until)
    log.info("%s is held for %s until %s", due.alert_id, due.channel_id, until)
    return True


def _set(connection: Connection, due: Row[Any], **values: Any) -> None:
    this = notification.c.notification_id == due.notification_id
    connection.execute(update(notification).where(this).values(lease_until=None, **values))


def _find_told(
    connection: Connection, channel_id: str, at: datetime, most: int
) -> Sequence[datetime]:
    # What lies after now was told before the clock went back: it keeps nothing from being told.
    newest = (
        select(notification.c.done_at)
        .where(
            notification.c.channel_id == channel_id,
            notification.c.event == "alert",
            notification.c.outcome == "delivered",
            notification.c.done_at > at - HOUR,
            notification.c.done_at <= at,
        )
        .order_by(notification.c.done_at.desc())
        .limit(most)
    )
    return connection.execute(newest).scalars().all()


def _plan_digest(connection: Connection, channel_id: str, at: datetime, until: datetime) -> None:
    if connection.execute(select(_find_planned(channel_id).exists())).scalar_one():
        return
    planned = {"event": "digest", "created_at": at, "due_at": until}
    connection.execute(insert(notification).values(channel_id=channel_id, **planned))


def hasten_digest(connection: Connection, channel_id: str, at: datetime) -> None:
    """Have the digest that waits judged anew at once: its channel has another manner."""
    planned = _find_planned(channel_id).scalar_subquery()
    this = notification.c.notification_id == planned
    connection.execute(update(notification).where(this).values(due_at=at))


def _find_planned(channel_id: str) -> Any:
    # One that was taken has its alerts: what is held from then on is told by another.
    return select(notification.c.notification_id).where(
        notification.c.channel_id == channel_id,
        notification.c.event == "digest",
        notification.c.done_at.is_(None),
        notification.c.fence == 0,
    )


def claim_held(connection: Connection, digest_id: int, channel_id: str) -> None:
    """Give a digest all that is held for its channel and is in no other."""
    mine = (
        notification.c.channel_id == channel_id,
        notification.c.outcome == "held",
        notification.c.digest_id.is_(None),
    )
    connection.execute(update(notification).where(*mine).values(digest_id=digest_id))


def load_digest(connection: Connection, digest_id: int, manner: Manner) -> tuple[Digest, bool]:
    """Load what a digest tells, the same whenever it is asked; and whether it needs no sound."""
    held = (notification.c.alert_id == alert.c.alert_id, notification.c.digest_id == digest_id)
    number = func.count().label("number")
    subject = (alert.c.symbol, alert.c.timeframe, alert.c.setup_id)
    groups = connection.execute(
        select(*subject, number).where(*held).group_by(*subject).order_by(number.desc(), *subject)
    ).mappings()
    counts = tuple((name_subject(dict(group)), int(group["number"])) for group in groups)
    repeat = (notification.c.fence > notification.c.attempts).label("repeat")
    newest = (
        select(alert, repeat)
        .where(*held)
        .order_by(notification.c.notification_id.desc())
        .limit(MOST_SHOWN)
    )
    alerts = tuple(dict(row) for row in connection.execute(newest).mappings())
    kinds = connection.execute(select(alert.c.kind).where(*held).distinct()).scalars()
    digest = Digest(count=sum(count for _, count in counts), counts=counts, alerts=alerts)
    return digest, all(manner.is_silent(kind) for kind in kinds)
