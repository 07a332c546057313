"""Saved requests, and the index by which the list of runs leaves out the polls of watches."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make table and index."""
    op.create_table(
        "saved_request",
        sa.Column("saved_id", sa.String(), primary_key=True),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
    )
    op.create_index("saved_request_by_name", "saved_request", ["user", "name_key"], unique=True)
