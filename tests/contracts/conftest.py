"""Databases of the ledger: the same tests on SQLite and on a real PostgreSQL."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger.sql.database import Database
from ledger.sql.migrate import migrate
from tests.unit.training.postgres import postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server of this session."""
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of the test's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    server = request.getfixturevalue("postgres_url")
    name = f"t{uuid.uuid4().hex[:8]}"
    engine = sa.create_engine(server.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.rpartition("/")[0] + f"/{name}"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The same with the ledger's tables."""
    made = Database(database_url)
    migrate(made)
    yield made
    made.close()
