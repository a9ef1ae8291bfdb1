"""Databases of the ledger: the same tests on SQLite and on a real PostgreSQL."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger.sql.database import Database
from ledger.sql.migrate import migrate
from tests.ledger_databases import sqlite_ledger
from tests.unit.training.postgres import postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_ledger(postgres_url: str) -> str:
    """A database of that server with the ledger's tables, to copy: migrating takes far longer."""
    url = create_database(postgres_url)
    database = Database(url)
    migrate(database)
    database.close()
    return url.rpartition("/")[2]


def create_database(server: str, template: str = "template1") -> str:
    """The URL of a new database, a copy of the template."""
    name = f"t{uuid.uuid4().hex[:8]}"
    engine = sa.create_engine(server.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    engine.dispose()
    return server.rpartition("/")[0] + f"/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Of the databases of a test."""
    return str(request.param)


@pytest.fixture
def database_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of the test's own, without tables."""
    if dialect == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    return create_database(request.getfixturevalue("postgres_url"))


@pytest.fixture
def database(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of the test's own, with the ledger's tables."""
    made = sqlite_ledger(tmp_path) if dialect == "sqlite" else postgres_copy(request)
    yield made
    made.close()


def postgres_copy(request: pytest.FixtureRequest) -> Database:
    """Of the migrated database."""
    server, template = request.getfixturevalue("postgres_url"), request.getfixturevalue("postgres_ledger")
    return Database(create_database(server, template))
