"""Alembic's entry: runs the steps on the connection that `ledger.sql.migrate` hands over."""

from alembic import context

from ledger.sql.ledger_tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
