"""Keys of sealed applications, in a database: one row an application, its key gone once it is erased.

A shell around SQLAlchemy. A key is asked for each time and kept nowhere else, so that an erasure is in effect with its
transaction. A key service (KMS) takes this module's place: what callers need is `issue`, `keys` and `erase`.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from schemas.codec.sealed_records import KEY_BYTES
from schemas.errors import OutageError, SetupError

BUSY_TIMEOUT_S: Final = 5.0
ANSWER_S: Final = 5.0
"""For one statement: of a table with one row an application, by its key."""
AT_ONCE: Final = 500
"""Ids of one query: SQLite takes some thousand parameters."""

metadata = sa.MetaData()
application_keys_table: Final = sa.Table(
    "application_keys",
    metadata,
    sa.Column("application_id", sa.Text, primary_key=True),
    sa.Column("key", sa.LargeBinary, nullable=True),
    sa.Column("issued_at", sa.Text, nullable=False),
    sa.Column("erased_at", sa.Text, nullable=True),
)


class KeysAwayError(OutageError):
    """The database of keys does not answer."""

    dependency = "keys"


class KeysSetupError(SetupError):
    """The database of keys cannot be used as it is set up."""


class ErasedError(SetupError):
    """The application's key was erased: nothing may be sealed under its id again."""

    def __init__(self, application_id: str) -> None:
        self.application_id = application_id
        super().__init__(f"the values of {application_id} were erased: nothing more is kept under this id")


class ApplicationKeys:
    """The keys of one database. May be used from any thread."""

    def __init__(self, url: str) -> None:
        """Connect nothing yet.

        Raises:
            KeysSetupError: the URL names no database that can be used.
        """
        self._engine = _engine(url)
        self._made = False

    def keys(self, ids: Collection[str]) -> Mapping[str, bytes]:
        """Keys in force, by application id.

        Raises:
            KeysAwayError, KeysSetupError: they cannot be had.
        """
        wanted, found = sorted(ids), dict[str, bytes]()
        table = application_keys_table.c
        for first in range(0, len(wanted), AT_ONCE):
            some = wanted[first : first + AT_ONCE]
            query = sa.select(table.application_id, table.key).where(table.application_id.in_(some))
            with self._transaction() as connection:
                found |= {row.application_id: row.key for row in connection.execute(query) if row.key is not None}
        return found

    def issue(self, application_id: str) -> bytes:
        """The application's key, a new one the first time.

        Raises:
            ErasedError: it was erased.
            KeysAwayError, KeysSetupError: it cannot be had.
        """
        try:
            return self._issue(application_id)
        except IntegrityError:
            # Another process has issued it in between.
            return self._issue(application_id)

    def _issue(self, application_id: str) -> bytes:
        table = application_keys_table
        with self._transaction() as connection:
            row = connection.execute(sa.select(table.c.key).where(table.c.application_id == application_id)).first()
            if row is None:
                key = os.urandom(KEY_BYTES)
                row_of_key = {"application_id": application_id, "key": key, "issued_at": _now()}
                connection.execute(sa.insert(table).values(**row_of_key))
                return key
        if row.key is None:
            raise ErasedError(application_id)
        return bytes(row.key)

    def erase(self, application_id: str) -> bool:
        """Delete the key; False where there was none. What it sealed is unreadable from here on.

        Raises:
            KeysAwayError, KeysSetupError: nothing is erased.
        """
        table = application_keys_table.c
        change = (
            sa.update(application_keys_table)
            .where(table.application_id == application_id, table.key.is_not(None))
            .values(key=None, erased_at=_now())
        )
        with self._transaction() as connection:
            return connection.execute(change).rowcount == 1

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            if not self._made:
                metadata.create_all(self._engine)
                self._made = True
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except OperationalError as cause:
            raise KeysAwayError(type(cause.orig).__name__) from None
        except PoolTimeoutError as cause:
            raise KeysAwayError(type(cause).__name__) from None
        except DBAPIError as cause:
            problem = f"the database of keys refuses us ({type(cause.orig).__name__}): see LOAN_KEYS_URL"
            raise KeysSetupError(problem) from None


@lru_cache(maxsize=4)
def keys_at(url: str) -> ApplicationKeys:
    """The keys of this database; one pool of connections a process.

    Raises:
        KeysSetupError: as `ApplicationKeys`.
    """
    return ApplicationKeys(url)


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() == "postgresql":
            return _postgres(parsed)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed)
    except (ArgumentError, NoSuchModuleError):
        pass
    problem = "LOAN_KEYS_URL is no database of ours: sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE"
    raise KeysSetupError(problem)


def _postgres(url: sa.URL) -> sa.Engine:
    # Most databases of keys are files, and psycopg is part of no other process's start.
    from streams.runtime.postgres_answers import CONNECT_TIMEOUT_S, postgres_engine

    arguments = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_TIMEOUT_S}
    return postgres_engine(url, ANSWER_S, arguments)


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        # A deleted key is overwritten and not only forgotten; a journal is emptied and not only cut off.
        for pragma in ("secure_delete=ON", "journal_mode=TRUNCATE"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
