"""Runs, their numbers, the audit log and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables, and the triggers that keep the audit log append-only."""
    op.create_table(
        "run_counter",
        sa.Column("day", sa.String(), primary_key=True),
        sa.Column("n", sa.Integer(), nullable=False),
    )
    op.create_table(
        "run",
        sa.Column("run_id", sa.String(), primary_key=True),
        sa.Column("flow_type", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("accepted_at", sa.String(), nullable=False),
        sa.Column("dispatched_at", sa.String()),
        sa.Column("started_at", sa.String()),
        sa.Column("finished_at", sa.String()),
        sa.Column("worker", sa.String()),
        sa.Column("stage", sa.String()),
        sa.Column("reason", sa.String()),
        sa.Column("traceback", sa.String()),
        sa.Column("flow_run_id", sa.String()),
        sa.Column("summary", sa.JSON()),
        sa.Column("plan", sa.JSON()),
        sa.Column("result_sha256", sa.String()),
    )
    op.create_index("run_by_state", "run", ["state"])
    op.create_table(
        "audit_log",
        sa.Column("audit_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), sa.ForeignKey("run.run_id"), unique=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.CheckConstraint("outcome IN ('accepted', 'refused')", name="outcome_is_known"),
        sa.CheckConstraint(
            "(outcome = 'accepted') = (run_id IS NOT NULL)", name="only_accepted_runs"
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "outbox",
        sa.Column("outbox_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String(), sa.ForeignKey("run.run_id"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("due_at", sa.String(), nullable=False),
        sa.Column("done_at", sa.String()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String()),
        sa.CheckConstraint("kind IN ('start', 'cancel', 'settle')", name="kind_is_known"),
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_to_do", "outbox", ["done_at", "due_at"])
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_log_no_{verb.lower()} BEFORE {verb} ON audit_log "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )
