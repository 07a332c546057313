"""Repeats of a request: the key that it is known by, and the answer that it always gets."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the audit log anew: SQLite cannot change the checks of a table."""
    op.create_table(
        "audit_log_new",
        sa.Column("audit_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), sa.ForeignKey("run.run_id"), unique=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("idempotency_key", sa.String()),
        sa.Column("answer", sa.String()),
        sa.Column("first_id", sa.Integer(), sa.ForeignKey("audit_log_new.audit_id")),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'refused', 'replayed', 'conflict')", name="outcome_is_known"
        ),
        sa.CheckConstraint(
            "(outcome = 'accepted') = (run_id IS NOT NULL)", name="only_accepted_runs"
        ),
        sa.CheckConstraint(
            "(outcome IN ('replayed', 'conflict')) = (first_id IS NOT NULL)",
            name="only_repeats_have_a_first",
        ),
        sqlite_autoincrement=True,
    )
    op.execute(
        "INSERT INTO audit_log_new (audit_id, at, user, door, outcome, run_id, payload, problems) "
        "SELECT audit_id, at, user, door, outcome, run_id, payload, problems FROM audit_log"
    )
    op.drop_table("audit_log")
    op.rename_table("audit_log_new", "audit_log")
    op.create_index(
        "audit_log_by_key",
        "audit_log",
        ["user", "idempotency_key"],
        unique=True,
        sqlite_where=sa.text("outcome IN ('accepted', 'refused')"),
    )
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_log_no_{verb.lower()} BEFORE {verb} ON audit_log "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )
