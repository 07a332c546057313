"""Executors and their heartbeat, leases of errands, attempts of runs, and what was repaired."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

FINAL = "'planned', 'cancelled', 'completed', 'failed', 'timed_out', 'crashed'"


def upgrade() -> None:
    """Make the tables and columns, and the trigger that lets states only move forward."""
    op.create_table(
        "worker",
        sa.Column("worker_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.String(), nullable=False),
        sa.Column("beats", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("ended_at", sa.String()),
        sa.Column("reason", sa.String()),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "repair",
        sa.Column("repair_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("run_id", sa.String()),
        sa.Column("finding", sa.String(), nullable=False),
        sa.Column("deed", sa.String(), nullable=False),
        sqlite_autoincrement=True,
    )
    zero = sa.text("0")
    op.add_column("run", sa.Column("attempt", sa.Integer(), nullable=False, server_default=zero))
    op.add_column("run", sa.Column("process", sa.String()))
    op.add_column("outbox", sa.Column("fence", sa.Integer(), nullable=False, server_default=zero))
    op.add_column("outbox", sa.Column("lease_until", sa.String()))
    # What an executor of the earlier version held is ended as of one that is gone.
    op.execute("UPDATE run SET worker = 'executor 0' WHERE worker = 'executor'")
    op.execute("UPDATE run SET attempt = 1 WHERE started_at IS NOT NULL")
    # The one way back is that of a run that is tried again.
    op.execute(
        "CREATE TRIGGER run_moves_forward BEFORE UPDATE OF state ON run "
        "WHEN NEW.state <> OLD.state AND ("
        f"OLD.state IN ({FINAL}) "
        "OR (OLD.state = 'cancelling' AND NEW.state <> 'cancelled') "
        "OR (NEW.state = 'queued' AND OLD.state <> 'running')) "
        "BEGIN SELECT RAISE(ABORT, 'the state of a run only moves forward'); END"
    )
    op.execute(
        "CREATE TRIGGER run_is_kept BEFORE DELETE ON run "
        "BEGIN SELECT RAISE(ABORT, 'the row of a run is kept'); END"
    )
