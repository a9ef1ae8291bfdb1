"""Writes rows to the database, with their offsets in one transaction: each record once, whatever process dies.

A shell around `Database`. The row of a partition in `ledger_positions` is locked first, and records before its
`next_offset` are left out: of two ledgers that hold one partition for a moment, the later one finds nothing to do.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite

from ledger.ingest.chain import GENESIS, next_link, row_text
from ledger.ingest.table_rows import Item
from ledger.query import review_queue
from ledger.sql.database import Database, RowRefusedError
from ledger.sql.ledger_tables import decisions, passed_over, positions, reviews

REFUSED: Final = "refused"
"""Reason of a record whose row the database does not take."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LedgerPosition:
    """How far one partition is recorded."""

    next_offset: int = 0
    records: int = 0
    passed_over: int = 0
    missed: int = 0
    """Offsets that retention took before they were read."""
    chain: str = GENESIS


@dataclass(frozen=True, slots=True)
class WriteResult:
    rows: int = 0
    passed_over: Mapping[str, int] = field(default_factory=dict)
    """By reason."""
    known: int = 0
    """Records that were recorded already."""


class Store:
    """Writes batches. Used from one thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def positions(self, topics: Sequence[str]) -> Mapping[tuple[str, int], LedgerPosition]:
        """Where to continue, by topic and partition; no entry for a partition of which nothing is recorded.

        Raises:
            DatabaseAwayError, DatabaseSetupError: of `ledger.sql.database`.
        """
        with self._database.read_transaction() as connection:
            rows = connection.execute(sa.select(positions).where(positions.c.topic.in_(topics))).mappings()
            return {(row["topic"], row["partition"]): _position(row) for row in rows}

    def miss(self, topic: str, partition: int, first: int) -> None:
        """Continue at this offset: retention deleted the records before it."""
        with self._database.write_transaction() as connection:
            position = self._lock(connection, topic, [partition])[partition]
            lost = first - position.next_offset
            if lost > 0:
                moved = replace(position, next_offset=first, missed=position.missed + lost)
                _save(connection, topic, {partition: moved})

    def reach(self, ends: Mapping[tuple[str, int], int]) -> None:
        """Everything before these offsets is recorded: only transaction markers follow the last record."""
        topics: dict[str, dict[int, int]] = {}
        for (topic, partition), end in ends.items():
            topics.setdefault(topic, {})[partition] = end
        with self._database.write_transaction() as connection:
            for topic, partitions in sorted(topics.items()):
                for partition, position in self._lock(connection, topic, sorted(partitions)).items():
                    if position.next_offset < partitions[partition]:
                        moved = replace(position, next_offset=partitions[partition])
                        _save(connection, topic, {partition: moved})

    def write(self, table: sa.Table, topic: str, items: Sequence[Item], following: Mapping[int, int]) -> WriteResult:
        """Record a batch.

        Args:
            table: of the topic.
            items: in the order of their offsets, partition by partition or mixed.
            following: by partition, the offset to continue at.

        Raises:
            DatabaseAwayError, DatabaseSetupError: nothing is recorded.
        """
        try:
            return self._write(table, topic, items, following)
        except RowRefusedError:
            return self._write_around(table, topic, items, following)

    def _write(self, table: sa.Table, topic: str, items: Sequence[Item], following: Mapping[int, int]) -> WriteResult:
        with self._database.write_transaction() as connection:
            before = self._lock(connection, topic, sorted(following))
            fresh = [item for item in items if item.offset >= before[item.partition].next_offset]
            after, lines = _link(fresh, before, following)
            _insert(connection, table, lines, postgres=self._database.postgres)
            _pass_over(connection, topic, fresh)
            if table is decisions:
                review_queue.enqueue(connection, topic, before, after)
            elif table is reviews:
                review_queue.settle(connection, topic, before, after)
            _save(connection, topic, after)
        reasons: dict[str, int] = defaultdict(int)
        for item in fresh:
            reasons[item.reason] += 1
        rows = reasons.pop("", 0)
        return WriteResult(rows, dict(reasons), len(items) - len(fresh))

    def _write_around(
        self, table: sa.Table, topic: str, items: Sequence[Item], following: Mapping[int, int]
    ) -> WriteResult:
        """The same in halves, down to the row that the database refuses: that one is skipped."""
        if len(items) == 1:
            log.warning("record.refused", topic=topic, partition=items[0].partition, offset=items[0].offset)
            return self._write(table, topic, [replace(items[0], cells=(), reason=REFUSED)], following)
        ordered = sorted(items, key=lambda item: (item.partition, item.offset))
        half = len(ordered) // 2
        first, second = ordered[:half], ordered[half:]
        one = self.write(table, topic, first, {item.partition: item.offset + 1 for item in first})
        other = self.write(table, topic, second, {item.partition: item.offset + 1 for item in second})
        return _sum(one, other)

    def _lock(self, connection: sa.Connection, topic: str, partitions: Sequence[int]) -> Mapping[int, LedgerPosition]:
        insert = postgresql.insert if self._database.postgres else sqlite.insert
        fresh = [{"topic": topic, "partition": each, **_columns(LedgerPosition())} for each in partitions]
        connection.execute(insert(positions).on_conflict_do_nothing(), fresh)
        query = (
            sa.select(positions)
            .where(positions.c.topic == topic, positions.c.partition.in_(partitions))
            .order_by(positions.c.partition)
            .with_for_update()
        )
        return {row["partition"]: _position(row) for row in connection.execute(query).mappings()}


def _link(
    items: Iterable[Item], before: Mapping[int, LedgerPosition], following: Mapping[int, int]
) -> tuple[Mapping[int, LedgerPosition], Sequence[tuple[Item, str, str]]]:
    """Positions after the batch, and each row with its text and link."""
    chains = {partition: position.chain for partition, position in before.items()}
    rows, passed = dict.fromkeys(before, 0), dict.fromkeys(before, 0)
    lines = []
    for item in items:
        if item.reason:
            passed[item.partition] += 1
            continue
        text = row_text(item.cells)
        chains[item.partition] = link = next_link(chains[item.partition], text)
        rows[item.partition] += 1
        lines.append((item, text, link))
    after = {
        partition: LedgerPosition(
            next_offset=max(position.next_offset, following[partition]),
            records=position.records + rows[partition],
            passed_over=position.passed_over + passed[partition],
            missed=position.missed,
            chain=chains[partition],
        )
        for partition, position in before.items()
    }
    return after, lines


def _insert(
    connection: sa.Connection, table: sa.Table, lines: Sequence[tuple[Item, str, str]], *, postgres: bool
) -> None:
    if not lines:
        return
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    if postgres:
        cursor: Any = connection.connection.cursor()
        with cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            copy.write("".join([f"{text}\t{link}\n" for _, text, link in lines]))
    else:
        marks = ", ".join("?" * len(table.columns))
        connection.exec_driver_sql(
            f"INSERT INTO {table.name} ({names}) VALUES ({marks})",  # noqa: S608 - names of our own tables
            [(*item.cells, link) for item, _, link in lines],
        )


def _pass_over(connection: sa.Connection, topic: str, items: Iterable[Item]) -> None:
    rows = [
        {"topic": topic, "partition": item.partition, "record_offset": item.offset, "reason": item.reason}
        for item in items
        if item.reason
    ]
    if rows:
        connection.execute(sa.insert(passed_over), rows)


def _save(connection: sa.Connection, topic: str, after: Mapping[int, LedgerPosition]) -> None:
    for partition, position in after.items():
        place = (positions.c.topic == topic) & (positions.c.partition == partition)
        connection.execute(sa.update(positions).where(place).values(**_columns(position)))


def _position(row: Any) -> LedgerPosition:
    return LedgerPosition(**{name: row[name] for name in LedgerPosition.__slots__})


def _columns(position: LedgerPosition) -> Mapping[str, Any]:
    return {name: getattr(position, name) for name in LedgerPosition.__slots__}


def _sum(one: WriteResult, other: WriteResult) -> WriteResult:
    reasons: dict[str, int] = defaultdict(int)
    for each in (one, other):
        for reason, count in each.passed_over.items():
            reasons[reason] += count
    return WriteResult(one.rows + other.rows, dict(reasons), one.known + other.known)
