"""A ledger of an earlier release is brought up to date with its rows, on either database."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from ledger.query import queries
from ledger.sql.database import Database
from ledger.sql.migrate import alembic_config, head, migrate, require_current
from tests.decisions import a_decision
from tests.ledger_records import decide

MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


def a_cell(column: Any) -> Any:
    """A value that a column of the first tables takes."""
    kind = column["type"]
    if isinstance(kind, sa.DateTime):
        return MOMENT if kind.timezone else MOMENT.replace(tzinfo=None)
    if isinstance(kind, sa.Boolean):
        return True
    if isinstance(kind, sa.Integer):
        return 1
    if isinstance(kind, sa.Numeric | sa.Float):
        return 0.5
    return [] if "JSON" in str(kind) else "text"


def earlier_revisions() -> list[str]:
    """All but the last, oldest first."""
    revisions = ScriptDirectory.from_config(alembic_config(None)).walk_revisions()
    return sorted(each.revision for each in revisions if each.revision != head())


def a_row_each(connection: sa.Connection) -> dict[str, sa.TableClause]:
    """A row in each table that there is, but Alembic's own."""
    tables = {}
    for name in sa.inspect(connection).get_table_names():
        if name != "alembic_version":
            columns = sa.inspect(connection).get_columns(name)
            tables[name] = sa.table(name, *(sa.column(each["name"], each["type"]) for each in columns))
            connection.execute(tables[name].insert(), [{each["name"]: a_cell(each) for each in columns}])
    return tables


def rows_of(connection: sa.Connection, tables: Mapping[str, sa.TableClause]) -> dict[str, sa.RowMapping]:
    return {name: connection.execute(sa.select(table)).mappings().one() for name, table in tables.items()}


@pytest.mark.parametrize("revision", earlier_revisions())
def test_rows_of_an_earlier_revision_stay_as_they_are(database_url: str, revision: str) -> None:
    database = Database(database_url)
    with database.write_transaction() as connection:
        command.upgrade(alembic_config(connection), revision)
        tables = a_row_each(connection)
        rows = rows_of(connection, tables)
    assert len(rows) > 10

    migrate(database)

    require_current(database)
    with database.read_transaction() as connection:
        assert rows_of(connection, tables) == rows
    decide(database, a_decision("a-1", 0.3))
    with database.read_transaction() as connection:
        assert queries.decision(connection, "a-1") is not None
    database.close()
