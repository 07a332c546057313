"""The priority of each run."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Give every run a priority: those of older desks were asked for by hand, or live."""
    op.add_column(
        "run", sa.Column("priority", sa.Integer(), nullable=False, server_default=sa.text("1"))
    )
    op.execute("UPDATE run SET priority = 0 WHERE flow_type = 'live_scan_flow'")
