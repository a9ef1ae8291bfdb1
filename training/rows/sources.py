"""Tables by URL: a file, http(s), S3, Google Cloud Storage or PostgreSQL; CSV, Parquet or Excel.

A shell: it returns the table as stored, whatever its columns; `training.rows.labelled_rows` checks it.
Credentials in a URL are never shown.
"""

from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

import pandas as pd

from schemas.tables.dialect import SNIFFED, Dialect
from schemas.tables.file_format import parse_table, read
from schemas.tables.table_errors import TableError
from schemas.urls import mask_credentials

SQL: Final = frozenset({"postgresql", "postgres"})
REMOTE: Final = frozenset({"http", "https", "s3", "gs"})
DRIVERS: Final = {"s3": "s3fs", "gs": "gcsfs"}
"""Packages that fsspec needs for a scheme."""
QUERY: Final = ("select ", "with ")
TO_POSTGRESQL: Final = {"connect_timeout": 10, "client_encoding": "utf8"}
"""A database that was made without an encoding would otherwise give bytes for text."""


def table(url: str, dialect: Dialect = SNIFFED) -> pd.DataFrame:
    """The table that a URL names, its text as written.

    Args:
        url: a path; `file:`, `http(s):`, `s3:` or `gs:` of a CSV, Parquet or Excel file; or
            `postgresql://user:password@host/database#table`, where a query may replace the table.
        dialect: how the file is written, where it is text.

    Raises:
        TableError: it does not open or holds no table; names it without its credentials.
    """
    scheme = urlsplit(url).scheme
    if scheme in SQL:
        return _select(url)
    if "://" in url and scheme not in REMOTE | {"file"}:
        schemes = ", ".join(sorted(REMOTE | SQL | {"file"}))
        problem = f"{mask_credentials(url)}: URLs of this scheme are not read; {schemes} are"
        raise TableError(problem)
    if scheme in REMOTE:
        return parse_table(_fetch(url), mask_credentials(url), dialect)
    return read(_local(url), dialect)[0]


def _local(url: str) -> Path:
    return Path(unquote(urlsplit(url).path) if url.startswith("file:") else url)


def _fetch(url: str) -> bytes:
    import fsspec

    try:
        with fsspec.open(url, "rb") as source:
            content: bytes = source.read()
    except ImportError:
        problem = (
            f"{mask_credentials(url)}: reading it needs the package {DRIVERS.get(urlsplit(url).scheme, 'aiohttp')}"
        )
        raise TableError(problem) from None
    except Exception as cause:  # noqa: BLE001 - every file system of fsspec has errors of its own
        problem = f"{mask_credentials(url)}: cannot be fetched ({type(cause).__name__})"
        raise TableError(problem) from None
    return content


def _select(url: str) -> pd.DataFrame:
    import sqlalchemy

    parts = urlsplit(url)
    wanted = unquote(parts.fragment)
    if not wanted:
        problem = f"{mask_credentials(url)}: say which table, or a query, after a #"
        raise TableError(problem)
    address = urlunsplit(("postgresql+psycopg", parts.netloc, parts.path, parts.query, ""))
    try:
        engine = sqlalchemy.create_engine(address, connect_args=TO_POSTGRESQL)
        with engine.connect() as connection:
            return pd.read_sql_query(_query(wanted, engine), connection)
    except (sqlalchemy.exc.SQLAlchemyError, pd.errors.DatabaseError, ImportError) as cause:
        problem = f"{mask_credentials(url)}: cannot be read ({_kind(cause)})"
        raise TableError(problem) from None


def _kind(fault: BaseException) -> str:
    """The driver's own word for it, such as UndefinedTable, below what pandas and SQLAlchemy wrap around it."""
    wrapped = fault.__cause__ if isinstance(fault, pd.errors.DatabaseError) and fault.__cause__ else fault
    return type(getattr(wrapped, "orig", None) or wrapped).__name__


def _query(wanted: str, engine: Any) -> Any:
    import sqlalchemy

    if wanted.lower().startswith(QUERY):
        return sqlalchemy.text(wanted)
    schema, _, name = wanted.rpartition(".")
    quote = engine.dialect.identifier_preparer.quote
    quoted = f"{quote(schema)}.{quote(name)}" if schema else quote(name)
    return sqlalchemy.text(f"SELECT * FROM {quoted}")  # noqa: S608 - the identifier is quoted by the dialect
