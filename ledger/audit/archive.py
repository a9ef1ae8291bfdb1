"""The ledger's decisions as Parquet files by day: for analysts, and to keep when the database is pruned.

One compacted file for each day of the records' timestamps and each table, `TABLE/day=2026-03-01/TABLE.parquet`, in a
local folder or under any URL of fsspec (`s3://bucket/path`). A file is written beside its final path and moved there
when complete, and a day whose file has its rows is skipped: the command may be interrupted and repeated at any time.
Two at once do the same work; if one of them knows fewer rows and ends last, the next run writes that day again. A day
that has received rows since is rewritten; one that has fewer, because the database was pruned, keeps its file.
"""

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from ledger.audit.archive_folder import ArchiveSetupError, archive_folder, attempt, write_whole
from ledger.sql.database import Database
from ledger.sql.ledger_tables import RECORDS
from ledger.sql.table_columns import UtcTime

ROWS: Final = 20_000
"""Of a row group, and in memory at once."""
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    path: str
    rows: int


def archive(database: Database, url: str, before: date) -> Iterator[ArchiveFile]:
    """Write the files that are not there yet, one after the other.

    Args:
        before: days before this one, UTC; give it a day that is surely recorded to its end.

    Raises:
        ArchiveAwayError, ArchiveSetupError: the archive's fault; what was written stays.
        DatabaseAwayError, DatabaseSetupError: the database's.
    """
    files, root = archive_folder(url)
    for table in RECORDS:
        for day in _days(database, table, before):
            path = posixpath.join(root, table.name, f"day={day.isoformat()}", f"{table.name}.parquet")
            if attempt(partial(_row_count, files, path)) < _count(database, table, day):
                yield ArchiveFile(path, _write(database, table, day, files, path))


def _days(database: Database, table: sa.Table, before: date) -> Iterator[date]:
    """Days with records, the first one first: from one to the next by the index, without reading all rows."""
    start = datetime.min.replace(tzinfo=UTC)
    end = datetime(before.year, before.month, before.day, tzinfo=UTC)
    while True:
        query = sa.select(sa.func.min(table.c.recorded_at)).where(
            table.c.recorded_at >= start, table.c.recorded_at < end
        )
        with database.read_transaction() as connection:
            first: datetime | None = connection.execute(query).scalar_one()
        if first is None:
            return
        yield first.date()
        start = datetime(first.year, first.month, first.day, tzinfo=UTC) + DAY


def _row_count(files: Any, path: str) -> int:
    """Rows of a file; none where there is no file.

    Raises:
        ArchiveSetupError: it is damaged. It may have had rows that the database has no more, so it is not overwritten.
    """
    if not files.exists(path):
        return 0
    with files.open(path, "rb") as source:
        try:
            return int(pq.ParquetFile(source).metadata.num_rows)
        except pa.ArrowInvalid as cause:
            problem = f"{path} is no whole Parquet file: move it away, and its day is written again from the ledger"
            raise ArchiveSetupError(problem) from cause


def _count(database: Database, table: sa.Table, day: date) -> int:
    with database.read_transaction() as connection:
        query = sa.select(sa.func.count()).select_from(table).where(*_within(table, day))
        return int(connection.execute(query).scalar_one())


def _within(table: sa.Table, day: date) -> tuple[sa.ColumnElement[bool], ...]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return table.c.recorded_at >= start, table.c.recorded_at < start + DAY


def _write(database: Database, table: sa.Table, day: date, files: Any, path: str) -> int:
    schema = arrow_schema(table)

    def write_file(beside: str) -> int:
        rows = 0
        with files.open(beside, "wb") as sink, pq.ParquetWriter(sink, schema, compression="zstd") as writer:
            for page in _pages(database, table, day):
                columns = [list(column) for column in zip(*page, strict=True)]
                writer.write_table(pa.table(columns, schema=schema))
                rows += len(page)
        return rows

    return attempt(partial(write_whole, files, path, write_file))


def _pages(database: Database, table: sa.Table, day: date) -> Iterator[Sequence[Any]]:
    """Rows of the day in the order of their places."""
    place = sa.tuple_(table.c.record_topic, table.c.record_partition, table.c.record_offset)
    after: tuple[Any, ...] | None = None
    while True:
        query = sa.select(table).where(*_within(table, day)).order_by(*place.clauses).limit(ROWS)
        if after is not None:
            query = query.where(place > sa.tuple_(*map(sa.literal, after)))
        with database.read_transaction() as connection:
            page = connection.execute(query).all()
        if page:
            yield page
        if len(page) < ROWS:
            return
        after = tuple(page[-1][:3])


def arrow_schema(table: sa.Table) -> pa.Schema:
    """The table's columns as Parquet has them; JSON is text. Pure."""
    return pa.schema([pa.field(column.name, _arrow(column.type)) for column in table.columns])


def _arrow(kind: Any) -> Any:
    if isinstance(kind, UtcTime):
        return pa.timestamp("ms", tz="UTC")
    for known, arrow in ((sa.Double, pa.float64()), (sa.Boolean, pa.bool_()), (sa.BigInteger, pa.int64())):
        if isinstance(kind, known):
            return arrow
    return pa.int32() if isinstance(kind, sa.Integer) else pa.string()


def days_over(today: date) -> date:
    """Days before this one are surely over: records of yesterday's last seconds may still be on their way."""
    return today - DAY
