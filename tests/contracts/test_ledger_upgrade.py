"""A ledger of an earlier release is brought up to date with its rows, on either database."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from ledger.query import queries
from ledger.sql.database import Database
from ledger.sql.migrate import alembic_config, migrate, require_current
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
    if isinstance(kind, sa.Numeric):
        return 0.5
    return [] if "JSON" in str(kind) else "text"


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_rows_of_an_earlier_revision_stay_as_they_are(database_url: str, revision: str) -> None:
    database = Database(database_url)
    with database.write_transaction() as connection:
        command.upgrade(alembic_config(connection), revision)
        columns = sa.inspect(connection).get_columns("outcomes")
        row = {each["name"]: a_cell(each) for each in columns}
        table = sa.table("outcomes", *(sa.column(each["name"], each["type"]) for each in columns))
        connection.execute(table.insert(), [row])

    migrate(database)

    require_current(database)
    with database.read_transaction() as connection:
        found = connection.execute(sa.select(table)).mappings().one()
    assert {name: found[name] for name in row} == row
    decide(database, a_decision("a-1", 0.3))
    with database.read_transaction() as connection:
        assert queries.decision(connection, "a-1") is not None
    database.close()
