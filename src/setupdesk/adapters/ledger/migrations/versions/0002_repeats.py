"""Repeats of a request, known by their key, and the chain that seals the audit log."""

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

from setupdesk.adapters.ledger.chain import FIRST_SEAL, seal

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the audit log anew: SQLite cannot change the checks of a table."""
    new = op.create_table(
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
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("seal", sa.String(), nullable=False),
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
    _copy_and_seal(new)
    op.drop_table("audit_log")
    op.rename_table("audit_log_new", "audit_log")
    op.create_index(
        "audit_log_by_key",
        "audit_log",
        ["user", "idempotency_key"],
        unique=True,
        sqlite_where=sa.text("outcome IN ('accepted', 'refused')"),
    )
    op.execute(
        "CREATE TRIGGER audit_log_in_order BEFORE INSERT ON audit_log "
        "WHEN NEW.audit_id IS NOT 1 + coalesce((SELECT max(audit_id) FROM audit_log), 0) "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    )
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_log_no_{verb.lower()} BEFORE {verb} ON audit_log "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )


def _copy_and_seal(new: sa.Table) -> None:
    previous = FIRST_SEAL
    stored = sa.text("SELECT * FROM audit_log ORDER BY audit_id")
    for number, old in enumerate(op.get_bind().execute(stored).mappings().all(), 1):
        row = {**old, "audit_id": number, "previous": previous}
        row |= {name: json.loads(old[name]) for name in ("payload", "problems")}
        previous = seal({**row, "at": datetime.fromisoformat(old["at"])})
        op.get_bind().execute(sa.insert(new).values(**row, seal=previous))
