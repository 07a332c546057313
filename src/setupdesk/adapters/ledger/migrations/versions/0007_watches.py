"""Watches: what they see and decide, the alerts that come of it, and how channels are told."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_TELL_RUN_END = """
CREATE TRIGGER run_end_is_told AFTER UPDATE OF state ON run
WHEN NEW.state <> OLD.state
  AND NEW.state IN ('planned', 'cancelled', 'completed', 'failed', 'timed_out', 'crashed')
  AND (NEW.watch_id IS NULL OR NEW.flow_type <> 'live_scan_flow'
    OR (NEW.state IN ('failed', 'timed_out', 'crashed') AND NOT EXISTS (
      SELECT 1 FROM run AS before WHERE before.run_id = (
        SELECT run_id FROM run AS earlier WHERE earlier.watch_id = NEW.watch_id
          AND earlier.flow_type = NEW.flow_type AND earlier.accepted_at < NEW.accepted_at
        ORDER BY earlier.accepted_at DESC LIMIT 1)
      AND before.state IN ('failed', 'timed_out', 'crashed'))))
BEGIN
  INSERT INTO notification (channel_id, event, run_id, created_at, due_at)
  SELECT channel.channel_id, told.event, NEW.run_id, NEW.finished_at, NEW.finished_at
  FROM channel, (SELECT CASE WHEN NEW.state IN ('failed', 'timed_out', 'crashed')
    THEN 'run_failed' ELSE 'run_finished' END AS event) AS told
  WHERE channel.user = NEW.user AND channel.revoked_at IS NULL
    AND told.event IN (SELECT value FROM json_each(channel.events));
END
"""
"""Of the polls of a watch, only the first of failures that follow each other is told."""

_TELL_ALERT = """
CREATE TRIGGER alert_is_told AFTER INSERT ON alert WHEN NEW.expires_at > NEW.created_at
BEGIN
  INSERT INTO notification (channel_id, event, alert_id, created_at, due_at)
  SELECT channel.channel_id, 'alert', NEW.alert_id, NEW.created_at, NEW.created_at
  FROM channel
  WHERE channel.user = NEW.user AND channel.revoked_at IS NULL
    AND 'alert' IN (SELECT value FROM json_each(channel.events))
    AND EXISTS (SELECT 1 FROM json_each(channel.manner, '$.kinds') AS told
      WHERE told.key = NEW.kind AND told.value <> 'off');
END
"""

_KEEP_NOTIFICATIONS = """
INSERT INTO notification_anew (notification_id, message_id, channel_id, event, run_id, created_at,
  due_at, done_at, outcome, attempts, last_error, fence, lease_until)
SELECT notification_id, message_id, channel_id, event, run_id, created_at,
  due_at, done_at, outcome, attempts, last_error, fence, lease_until
FROM notification
"""

_MANNER = '{"kinds": {"signal": "on", "further": "off", "stale": "on"}}'


def upgrade() -> None:
    """Make the tables; triggers tell what happened, and keep what an alert said."""
    op.execute("DROP TRIGGER run_end_is_told")
    op.add_column("run", sa.Column("watch_id", sa.String()))
    op.create_index("run_by_watch", "run", ["watch_id", "flow_type", "accepted_at"])
    apart = sa.text("watch_id IS NULL")
    op.create_index("run_of_no_watch", "run", ["state"], sqlite_where=apart)
    op.add_column(
        "channel",
        sa.Column("manner", sa.JSON(), nullable=False, server_default=sa.text(f"'{_MANNER}'")),
    )
    _make_watches()
    _make_change_log()
    _make_alerts()
    _widen_notifications()
    op.execute(_TELL_RUN_END)
    op.execute(_TELL_ALERT)


def _make_watches() -> None:
    op.create_table(
        "watch",
        sa.Column("watch_id", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("key_id", sa.String()),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("schedule_id", sa.String(), sa.ForeignKey("schedule.schedule_id")),
        sa.Column("parity_schedule_id", sa.String(), sa.ForeignKey("schedule.schedule_id")),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("ended_at", sa.String()),
    )
    op.create_table(
        "look",
        sa.Column("watch_id", sa.String(), sa.ForeignKey("watch.watch_id"), primary_key=True),
        sa.Column("setup_id", sa.String(), primary_key=True),
        sa.Column("symbol", sa.String(), primary_key=True),
        sa.Column("seen_until", sa.String()),
        sa.Column("setup_hash", sa.String()),
        sa.Column("fingerprint", sa.String()),
        sa.Column("standing", sa.JSON()),
        sa.Column("trouble", sa.String()),
        sa.Column("run_id", sa.String(), sa.ForeignKey("run.run_id")),
        sa.Column("at", sa.String()),
    )
    op.create_table(
        "sighting",
        sa.Column("sighting_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("watch_id", sa.String(), sa.ForeignKey("watch.watch_id"), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("first_bar_at", sa.String(), nullable=False),
        sa.Column("last_bar_at", sa.String(), nullable=False),
        sa.Column("bars", sa.JSON(), nullable=False),
        sa.Column("run_id", sa.String(), sa.ForeignKey("run.run_id"), nullable=False),
        sa.Column("engine_version", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('seen', 'revised')", name="kind_is_known"),
        sqlite_autoincrement=True,
    )
    op.create_index("sighting_by_bar", "sighting", ["watch_id", "symbol", "last_bar_at"])


def _make_change_log() -> None:
    op.create_table(
        "change_log",
        sa.Column("change_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("deed", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sqlite_autoincrement=True,
    )
    for deed in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER change_log_refuses_{deed.lower()} BEFORE {deed} ON change_log "
            "BEGIN SELECT RAISE(ABORT, 'the log of changes is only added to'); END"
        )


def _make_alerts() -> None:
    op.create_table(
        "alert",
        sa.Column("alert_id", sa.String(), primary_key=True),
        sa.Column("watch_id", sa.String(), sa.ForeignKey("watch.watch_id"), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), sa.ForeignKey("run.run_id"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("setup_id", sa.String()),
        sa.Column("setup_hash", sa.String()),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("timeframe", sa.String(), nullable=False),
        sa.Column("side", sa.String()),
        sa.Column("level", sa.String()),
        sa.Column("bar_at", sa.String(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=False),
        sa.Column("outcome", sa.JSON()),
        sa.Column("outcome_at", sa.String()),
        sa.CheckConstraint("kind IN ('signal', 'further', 'stale')", name="kind_is_known"),
    )
    op.create_index("alert_by_user", "alert", ["user", "created_at"])
    op.create_index("alert_by_watch", "alert", ["watch_id", "bar_at"])
    op.execute(
        "CREATE TRIGGER alert_stays_said BEFORE UPDATE ON alert "
        "WHEN NEW.said <> OLD.said OR NEW.bar_at <> OLD.bar_at OR OLD.outcome_at IS NOT NULL "
        "BEGIN SELECT RAISE(ABORT, 'what an alert said stays as it is'); END"
    )
    op.execute(
        "CREATE TRIGGER alert_is_kept BEFORE DELETE ON alert "
        "BEGIN SELECT RAISE(ABORT, 'an alert is never removed'); END"
    )


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
        sa.Column("digest_id", sa.Integer(), sa.ForeignKey("notification.notification_id")),
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
            "outcome IN ('delivered', 'given_up', 'expired', 'held')", name="outcome_is_known"
        ),
        sa.CheckConstraint(
            "(done_at IS NULL) = (outcome IS NULL)", name="only_done_has_an_outcome"
        ),
        sqlite_autoincrement=True,
    )
    op.execute(_KEEP_NOTIFICATIONS)
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
