"""Codes that pair a user of Telegram with one of the desk."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table; a code is kept as its digest, and only as long as it pairs."""
    op.create_table(
        "pairing_code",
        sa.Column("sha256", sa.String(), primary_key=True),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=False),
        sa.CheckConstraint("role IN ('viewer', 'trader', 'admin')", name="role_is_known"),
    )
