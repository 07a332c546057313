"""Keys and their quotas, hooks, channels, what is told to them, and what users say of runs."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables and columns, and the trigger that lets no end of a run go untold."""
    _add_to_runs()
    _make_keys()
    _make_hooks()
    _make_channels()
    op.execute(
        "CREATE TRIGGER run_end_is_told AFTER UPDATE OF state ON run "
        "WHEN NEW.state <> OLD.state AND NEW.state IN "
        "('planned', 'cancelled', 'completed', 'failed', 'timed_out', 'crashed') "
        "BEGIN INSERT INTO notification (channel_id, event, run_id, created_at, due_at) "
        "SELECT channel.channel_id, told.event, NEW.run_id, NEW.finished_at, NEW.finished_at "
        "FROM channel, (SELECT CASE WHEN NEW.state IN ('failed', 'timed_out', 'crashed') "
        "THEN 'run_failed' ELSE 'run_finished' END AS event) AS told "
        "WHERE channel.user = NEW.user AND channel.revoked_at IS NULL "
        "AND told.event IN (SELECT value FROM json_each(channel.events)); END"
    )


def _add_to_runs() -> None:
    for name in ("key_id", "name", "notes"):
        op.add_column("run", sa.Column(name, sa.String()))
    tags = sa.Column("tags", sa.JSON(), nullable=False, server_default=sa.text("'[]'"))
    op.add_column("run", tags)


def _make_keys() -> None:
    op.create_table(
        "api_key",
        sa.Column("key_id", sa.String(), primary_key=True),
        sa.Column("sha256", sa.String(), nullable=False, unique=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String()),
        sa.Column("revoked_at", sa.String()),
        sa.Column("requests_per_minute", sa.Integer()),
        sa.Column("most_waiting", sa.Integer()),
        sa.Column("most_running", sa.Integer()),
        sa.Column("most_bars", sa.Integer()),
        sa.CheckConstraint("role IN ('viewer', 'trader', 'admin')", name="role_is_known"),
    )
    op.create_table(
        "turned_away",
        sa.Column("hour", sa.String(), primary_key=True),
        sa.Column("address", sa.String(), primary_key=True),
        sa.Column("reason", sa.String(), primary_key=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("example", sa.String(), nullable=False),
    )


def _make_hooks() -> None:
    op.create_table(
        "hook",
        sa.Column("hook_id", sa.String(), primary_key=True),
        sa.Column("sha256", sa.String(), nullable=False, unique=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("senders", sa.JSON(), nullable=False),
        sa.Column("key_id", sa.String()),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("revoked_at", sa.String()),
        sa.CheckConstraint("kind IN ('tradingview', 'standard')", name="kind_is_known"),
    )


def _make_channels() -> None:
    op.create_table(
        "channel",
        sa.Column("channel_id", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("revoked_at", sa.String()),
    )
    op.create_table(
        "notification",
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
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("due_at", sa.String(), nullable=False),
        sa.Column("done_at", sa.String()),
        sa.Column("outcome", sa.String()),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("last_error", sa.String()),
        sa.Column("fence", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("lease_until", sa.String()),
        sa.CheckConstraint(
            "event IN ('run_finished', 'run_failed', 'alert')", name="event_is_known"
        ),
        sa.CheckConstraint("outcome IN ('delivered', 'given_up')", name="outcome_is_known"),
        sa.CheckConstraint(
            "(done_at IS NULL) = (outcome IS NULL)", name="only_done_has_an_outcome"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("notification_to_do", "notification", ["done_at", "due_at"])
