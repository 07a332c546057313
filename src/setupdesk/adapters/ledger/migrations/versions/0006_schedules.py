"""Schedules, and one row for each of their ticks."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables; a trigger keeps what became of a tick as it is."""
    op.create_table(
        "schedule",
        sa.Column("schedule_id", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("key_id", sa.String()),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("changed_at", sa.String(), nullable=False),
        sa.Column("removed_at", sa.String()),
        sa.Column("accounted_until", sa.String(), nullable=False),
    )
    op.create_table(
        "tick",
        sa.Column(
            "schedule_id", sa.String(), sa.ForeignKey("schedule.schedule_id"), primary_key=True
        ),
        sa.Column("due_at", sa.String(), primary_key=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String()),
        sa.Column("run_ids", sa.JSON(), nullable=False, server_default=sa.text("'[]'")),
        sa.Column("at", sa.String(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('due', 'fired', 'skipped_overlap', 'missed_late', 'coalesced', "
            "'paused', 'refused')",
            name="outcome_is_known",
        ),
    )
    op.create_index(
        "tick_to_start",
        "tick",
        ["schedule_id", "due_at"],
        sqlite_where=sa.text("outcome = 'due'"),
    )
    op.execute(
        "CREATE TRIGGER tick_is_settled_once BEFORE UPDATE ON tick WHEN OLD.outcome <> 'due' "
        "BEGIN SELECT RAISE(ABORT, 'what became of a tick stays as it is'); END"
    )
    op.execute(
        "CREATE TRIGGER tick_is_kept BEFORE DELETE ON tick "
        "BEGIN SELECT RAISE(ABORT, 'the row of a tick is never removed'); END"
    )
