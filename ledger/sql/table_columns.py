"""Column types of the ledger's tables: the same in both databases as far as possible. Pure."""

from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, UserDefinedType

NUL_SYMBOL: Final = "␀"
"""Stands for NUL, which PostgreSQL does not take."""


def storable(value: str) -> str:
    """The text as both databases can hold it."""
    return value.replace("\0", NUL_SYMBOL)


class StorableText(TypeDecorator[str]):
    """Text; NUL is stored, and queried, as its symbol."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        return None if value is None else storable(value)


class UtcTime(TypeDecorator[datetime]):
    """`datetime` in UTC, to the millisecond: `timestamptz` in PostgreSQL, sortable text in SQLite."""

    impl = sa.String
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        return dialect.type_descriptor(
            postgresql.TIMESTAMP(timezone=True) if dialect.name == "postgresql" else sa.String()
        )

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        return time_text(value) if value is not None and dialect.name != "postgresql" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "postgresql":
            return value.astimezone(UTC)  # type: ignore[no-any-return]  # psycopg's datetime
        return datetime.fromisoformat(value).replace(tzinfo=UTC)


class JsonText(TypeDecorator[str]):
    """JSON as its text: `json` in PostgreSQL, which keeps it as written; text in SQLite."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        return dialect.type_descriptor(_PlainJson() if dialect.name == "postgresql" else sa.Text())


class _PlainJson(UserDefinedType[str]):
    """Without the parser that SQLAlchemy's own JSON brings along."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "JSON"


def time_text(time: datetime) -> str:
    """`2026-03-01 12:00:00.000`, UTC: sorts as text as the times do."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "milliseconds")


def text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, StorableText, nullable=nullable)


def number(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    """A double."""
    return sa.Column(name, sa.Double, nullable=nullable)


def count(name: str) -> sa.Column[Any]:
    """A 64-bit integer."""
    return sa.Column(name, sa.BigInteger, nullable=False)


def time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, UtcTime, nullable=nullable)


def json(name: str) -> sa.Column[Any]:
    return sa.Column(name, JsonText, nullable=False)
