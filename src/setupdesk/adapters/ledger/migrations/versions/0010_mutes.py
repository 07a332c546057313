"""Mutes: setups that a channel is not told of for the rest of a day."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_TRIGGERS = sa.text(
    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%notification%'"
)
_COLUMNS = (
    "notification_id, message_id, channel_id, event, run_id, alert_id, digest_id, created_at, "
    "due_at, done_at, outcome, attempts, last_error, fence, lease_until"
)


def upgrade() -> None:
    """Make the table, and let a notification end as ``muted``."""
    op.create_table(
        "mute",
        sa.Column("channel_id", sa.String(), sa.ForeignKey("channel.channel_id"), primary_key=True),
        sa.Column("setup_id", sa.String(), primary_key=True),
        sa.Column("until", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("muted_at", sa.String(), nullable=False),
    )
    # Triggers that write to a table are in the way of its being renamed.
    triggers = op.get_bind().execute(_TRIGGERS).all()
    for name, _ in triggers:
        op.execute(f"DROP TRIGGER {name}")
    _widen_notifications()
    for _, trigger in triggers:
        op.get_bind().exec_driver_sql(trigger)


def _widen_notifications() -> None:
    # SQLite changes no constraint of a table: it is made anew, with its rows and its numbers.
    op.create_table(
        "notification_anew",
        sa.Column("notification_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column(
            "message_id",
            sa.String(),
            nullable=False,
            unique=True,
            server_default=sa.text("('note_' || lower(hex(randomblob(16))))"),
        ),
        sa.Column("channel_id", sa.String(), sa.ForeignKey("channel.channel_id"), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), sa.ForeignKey("run.run_id")),
        sa.Column("alert_id", sa.String(), sa.ForeignKey("alert.alert_id")),
        # It is renamed with the table; the old one can be dropped while nothing refers to it.
        sa.Column("digest_id", sa.Integer(), sa.ForeignKey("notification_anew.notification_id")),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("due_at", sa.String(), nullable=False),
        sa.Column("done_at", sa.String()),
        sa.Column("outcome", sa.String()),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("last_error", sa.String()),
        sa.Column("fence", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("lease_until", sa.String()),
        sa.CheckConstraint(
            "event IN ('run_finished', 'run_failed', 'alert', 'digest')", name="event_is_known"
        ),
        sa.CheckConstraint(
            "outcome IN ('delivered', 'given_up', 'expired', 'held', 'muted')",
            name="outcome_is_known",
        ),
        sa.CheckConstraint(
            "(done_at IS NULL) = (outcome IS NULL)", name="only_done_has_an_outcome"
        ),
        sqlite_autoincrement=True,
    )
    op.execute(
        f"INSERT INTO notification_anew ({_COLUMNS}) "  # noqa: S608 (names of our own)
        f"SELECT {_COLUMNS} FROM notification"
    )
    op.execute(
        "UPDATE sqlite_sequence SET seq = max(seq, COALESCE((SELECT seq FROM sqlite_sequence "
        "WHERE name = 'notification'), 0)) WHERE name = 'notification_anew'"
    )
    op.drop_table("notification")
    op.rename_table("notification_anew", "notification")
    op.create_index("notification_to_do", "notification", ["done_at", "due_at"])
    op.create_index("notification_by_alert", "notification", ["alert_id"])
    op.create_index(
        "notification_held",
        "notification",
        ["channel_id"],
        sqlite_where=sa.text("outcome = 'held'"),
    )
