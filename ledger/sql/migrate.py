"""Migrates tables and views to the version that this ledger writes and reads.

Tables change by Alembic's steps; views hold no data, so they are dropped before the steps and recreated after them.
All of it is one transaction, and one process at a time does it.
"""

from importlib import resources
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from ledger.sql.database import Database, DatabaseSetupError
from ledger.sql.views import create_statements, drop_statements

LOCK: Final = 7_230_915
"""Of PostgreSQL's advisory locks; SQLite's write lock does the same."""


def migrate(database: Database) -> str:
    """Bring tables and views up to date; the revision reached. Again is no change.

    Raises:
        DatabaseAwayError, DatabaseSetupError: nothing is changed.
    """
    with database.write_transaction() as connection:
        if database.postgres:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        for statement in drop_statements():
            connection.exec_driver_sql(statement)
        command.upgrade(alembic_config(connection), "head")
        for statement in create_statements(connection.dialect.name):
            connection.exec_driver_sql(statement)
    return head()


def head() -> str:
    """The revision that this version of the ledger works with."""
    revision = ScriptDirectory.from_config(alembic_config(None)).get_current_head()
    assert revision is not None  # noqa: S101 - a package without steps is broken
    return revision


def require_current(database: Database) -> None:
    """Refuse tables of another version.

    Raises:
        DatabaseSetupError: names the command that brings them up to date.
    """
    with database.read_transaction() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != head():
        problem = f"the ledger's tables are at {found or 'nothing'}, not at {head()}: run `loanctl ledger migrate`"
        raise DatabaseSetupError(problem)


def alembic_config(connection: sa.Connection | None) -> Config:
    """Alembic's configuration: the steps of this package, within a connection's transaction."""
    config = Config()
    config.set_main_option("script_location", str(resources.files("ledger") / "migrations"))
    config.attributes["connection"] = connection
    return config
