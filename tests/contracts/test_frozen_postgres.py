"""A PostgreSQL that stands still, its connections open: an outage after some seconds, and used again when it moves."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.exchange.ledger_lookup import LedgerLookup
from ledger.sql.database import Database, DatabaseAwayError
from ledger.sql.migrate import migrate
from streams.runtime import key_database
from streams.runtime.key_database import ApplicationKeys, KeysAwayError
from tests.doubles.gateway import a_gateway
from tests.unit.gateway.calls import a_body, client_of
from tests.unit.training.postgres import Server, server

ANSWER_S = 0.5
MORE_THAN_BUFFERS = "x" * 50_000_000
"""What kernel and server take of a COPY while nobody reads it is less."""


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture
def database(postgres_server: Server) -> Iterator[Database]:
    database = Database(postgres_server.url, ANSWER_S)
    with database.write_transaction() as connection:
        connection.execute(sa.text("CREATE TABLE IF NOT EXISTS notes (note text)"))
        connection.execute(sa.text("TRUNCATE notes"))
    yield database
    database.close()


def notes(database: Database) -> int:
    with database.read_transaction() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM notes")).scalar_one())


def write_amid(database: Database, standstill: Any) -> None:
    with database.write_transaction() as connection:
        cursor: Any = connection.connection.cursor()
        with cursor, cursor.copy("COPY notes FROM STDIN") as copy:
            copy.write("a\n")
            with standstill:
                copy.write(MORE_THAN_BUFFERS)


def test_a_question_ends_as_an_outage_and_the_next_one_is_answered(database: Database, postgres_server: Server) -> None:
    assert notes(database) == 0

    with postgres_server.standstill(), pytest.raises(DatabaseAwayError):
        notes(database)

    assert notes(database) == 0


def test_rows_on_their_way_are_an_outage_and_none_of_them_is_written(
    database: Database, postgres_server: Server
) -> None:
    with pytest.raises(DatabaseAwayError):
        write_amid(database, postgres_server.standstill())

    assert notes(database) == 0


def test_an_answer_that_takes_longer_than_the_limit_but_comes_in_pieces_is_waited_for(database: Database) -> None:
    pieces = sa.text("SELECT pg_sleep(:pause), repeat('x', 100000) FROM generate_series(1, 8)")

    with database.read_transaction() as connection:
        assert len(connection.execute(pieces, {"pause": ANSWER_S / 4}).all()) == 8


async def test_a_named_application_is_answered_503_and_an_unnamed_one_decided(postgres_server: Server) -> None:
    lookup = LedgerLookup(postgres_server.url, ANSWER_S)
    migrate(lookup.database)
    double = a_gateway(ledger=lookup)
    async with client_of(double.app) as client:
        with postgres_server.standstill():
            named = await client.post("/predict", json=a_body(application_id="a-1"))
            unnamed = await client.post("/predict", json=a_body())
        again = await client.post("/predict", json=a_body(application_id="a-1"))
    lookup.close()

    assert [each.status_code for each in (named, unnamed, again)] == [503, 200, 200]


def test_keys_of_a_frozen_database_are_away(postgres_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_database, "ANSWER_S", ANSWER_S)
    keys = ApplicationKeys(f"{postgres_server.url}?connect_timeout=2")
    issued = keys.issue("a-1")

    with postgres_server.standstill(), pytest.raises(KeysAwayError):
        keys.keys(["a-1"])

    assert keys.keys(["a-1"]) == {"a-1": issued}
