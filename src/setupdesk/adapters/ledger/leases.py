"""Leases in the words of the database: what is due, and whose it is, over steps of the clock."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_


def is_past(
    time: ColumnElement[datetime | None], at: datetime, longest: timedelta
) -> ColumnElement[bool]:
    """Say whether a *time* has come at *at*, or was written before the clock went back.

    Nothing is put off for longer than *longest*, so what lies beyond it was.
    """
    return or_(time <= at, time > at + longest)


def is_free(
    lease_until: ColumnElement[datetime | None], at: datetime, longest: timedelta
) -> ColumnElement[bool]:
    """Say whether nobody holds what has this lease."""
    return or_(lease_until.is_(None), is_past(lease_until, at, longest))
