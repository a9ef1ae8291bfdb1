"""The ledger's database: its engine, its transactions, and its faults by who must act.

A shell around SQLAlchemy for SQLite and PostgreSQL. No driver message leaves this module: drivers quote
the row that they refuse, and a row is an applicant's.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from schemas.errors import LoanError, OutageError, SetupError
from streams.runtime.postgres_answers import CONNECT_TIMEOUT_S, postgres_engine

BUSY_TIMEOUT_MS: Final = 5_000
"""SQLite lets one process write at a time; another waits this long for its turn."""
WRITES: Final = "ledger_writes"
"""Execution option of a connection whose transaction writes."""
NO_TABLE: Final = ("42P01", "42703", "3F000")
"""SQLSTATE of PostgreSQL: no such table, column or schema."""
NOT_ALLOWED: Final = ("28", "3D", "42501")
"""Begin of SQLSTATE: wrong password, no such database, no right."""
REFUSED: Final = ("22", "23", "54", "SQLITE_CONSTRAINT", "SQLITE_TOOBIG", "SQLITE_MISMATCH")
"""Begin of SQLSTATE, or SQLite's name: data, a constraint or a limit refuses the row."""


class DatabaseAwayError(OutageError):
    """The database does not answer, or is busy."""

    dependency = "database"


class DatabaseSetupError(SetupError):
    """The database cannot be used as it is set up."""


class RowRefusedError(LoanError):
    """The database will not take a row as it is."""


class Database:
    """One database. Connections are opened on demand, and kept in a pool; may be used from any thread."""

    def __init__(self, url: str, answer_s: float = math.inf) -> None:
        """Connect nothing yet.

        Args:
            answer_s: a PostgreSQL that does not answer a statement for so long is away.

        Raises:
            DatabaseSetupError: the URL names no database that the ledger can use.
        """
        self.engine = _engine(url, answer_s)
        self.postgres = self.engine.dialect.name == "postgresql"

    @contextmanager
    def read_transaction(self) -> Iterator[sa.Connection]:
        """A transaction that only reads: all its queries see one state.

        Raises:
            DatabaseAwayError: the database does not answer.
            DatabaseSetupError: its tables do not exist, or must not be read.
        """
        with _translate_errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write_transaction(self) -> Iterator[sa.Connection]:
        """A transaction that writes: committed at the end, rolled back at an exception.

        Raises:
            DatabaseAwayError, DatabaseSetupError: as `read_transaction`.
            RowRefusedError: a row violates a type, a constraint or a limit.
        """
        with (
            _translate_errors(),
            self.engine.connect().execution_options(**{WRITES: True}) as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        self.engine.dispose()


def _engine(url: str, answer_s: float) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError):
        backend = ""
    if backend == "postgresql":
        return _postgres(parsed, answer_s)
    if backend == "sqlite":
        return _sqlite(parsed)
    problem = "LOAN_LEDGER_URL is no database of ours: sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE"
    raise DatabaseSetupError(problem)


def _postgres(url: sa.URL, answer_s: float) -> sa.Engine:
    connect_args = {"connect_timeout": CONNECT_TIMEOUT_S, "options": "-c timezone=UTC -c datestyle=ISO"}
    # JSON as its text: the chain is over that, and who reads it parses what it needs.
    return postgres_engine(url, answer_s, connect_args, json_deserializer=_text_of)


def _text_of(text: Any) -> str:
    return text.decode() if isinstance(text, bytes) else str(text)


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        # Transactions are begun below: sqlite3 would begin them too late, and commit before each DDL statement.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={BUSY_TIMEOUT_MS}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        # A reader that turned writer amid its transaction would be refused instead of waiting for its turn.
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except DBAPIError as cause:
        raise fault_of(cause.orig) from None
    except PoolTimeoutError:
        # All connections are in use, by others who wait.
        problem = "no connection is free"
        raise DatabaseAwayError(problem) from None
    except psycopg.Error as cause:
        # COPY is psycopg's own, not SQLAlchemy's.
        raise fault_of(cause) from None


def fault_of(error: Any) -> LoanError:
    """Who must act on a driver's error. Its message is dropped, because it may quote a row."""
    state = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None) or ""
    kind = f"{type(error).__name__} {state}".strip()
    message = str(error)
    if state in NO_TABLE or message.startswith(("no such table", "no such column")):
        return DatabaseSetupError("the ledger's tables are not there or too old: run `loanctl ledger migrate`")
    if (
        state.startswith(NOT_ALLOWED)
        or "authentication failed" in message
        or state in ("SQLITE_CANTOPEN", "SQLITE_NOTADB")
    ):
        return DatabaseSetupError(f"the ledger's database refuses us ({kind}): see LOAN_LEDGER_URL")
    if state.startswith(REFUSED):
        return RowRefusedError(kind)
    return DatabaseAwayError(kind)
