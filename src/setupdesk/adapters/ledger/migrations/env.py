"""Alembic's way in: migrate over the connection that the ledger holds."""

from alembic import context

from setupdesk.adapters.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,
)
context.run_migrations()
