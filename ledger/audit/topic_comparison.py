"""Compares the ledger with the topics: each record up to the recorded position exists once, as a row or as skipped.

A shell: reads the topics from the beginning and the database in parallel, a block of records at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from ledger.ingest.store import LedgerPosition, Store
from ledger.ingest.table_rows import RowMaker
from ledger.sql.database import Database
from ledger.sql.ledger_tables import passed_over
from streams.kafka.topics.topic_reader import PartitionRange, Record, blocks, partition_ranges
from streams.runtime.settings import Connection


@dataclass(slots=True, kw_only=True)
class PartitionCheck:
    """One partition: what its topic holds and what the ledger does, from `first` up to `recorded_to`."""

    topic: str
    partition: int
    first: int
    """Current first offset of the topic."""
    recorded_to: int
    end: int
    """Current end of the topic: records after `recorded_to` are yet to be recorded."""
    on_topic: int = 0
    rows: int = 0
    passed_over: int = 0
    absent: list[int] = field(default_factory=list)
    """Offsets on the topic and not in the ledger."""
    foreign: list[int] = field(default_factory=list)
    """Offsets in the ledger and not on the topic, although the topic contains those around them."""

    @property
    def equal(self) -> bool:
        """Whether both hold the same records."""
        return not self.absent and not self.foreign


def check(connection: Connection, database: Database, makers: Mapping[str, RowMaker]) -> Sequence[PartitionCheck]:
    """Every partition of every topic that the ledger keeps.

    Raises:
        OutageError: broker or database does not answer.
        SetupError: a topic or the tables are not there.
    """
    known = Store(database).positions(list(makers))
    compacted = {topic.name for topic in connection.topics().all() if topic.compacted}
    ranges = partition_ranges(connection, list(makers))
    checks = {
        (each.topic, each.partition): _new_check(each, known.get((each.topic, each.partition))) for each in ranges
    }
    stretches = [
        PartitionRange(each.topic, each.partition, each.first, min(each.recorded_to, each.end))
        for each in checks.values()
    ]
    seen_to = {place: each.first for place, each in checks.items()}
    for block in blocks(connection, stretches):
        for place, records in _by_place(block):
            held = _held_offsets(database, makers[place[0]].table, place, seen_to[place], records[-1].offset + 1)
            seen_to[place] = records[-1].offset + 1
            _compare(checks[place], held, [record.offset for record in records], compacted=place[0] in compacted)
    return list(checks.values())


def _new_check(extent: PartitionRange, position: LedgerPosition | None) -> PartitionCheck:
    return PartitionCheck(
        topic=extent.topic,
        partition=extent.partition,
        first=extent.first,
        recorded_to=position.next_offset if position else extent.first,
        end=extent.end,
    )


def _by_place(block: Sequence[Record]) -> Iterator[tuple[tuple[str, int], list[Record]]]:
    places: dict[tuple[str, int], list[Record]] = {}
    for record in block:
        places.setdefault((record.topic, record.partition), []).append(record)
    yield from places.items()


def _held_offsets(
    database: Database, table: sa.Table, place: tuple[str, int], first: int, end: int
) -> tuple[set[int], set[int]]:
    """Offsets of rows, and of skipped records."""
    rows = sa.select(table.c.record_offset).where(
        table.c.record_topic == place[0],
        table.c.record_partition == place[1],
        table.c.record_offset >= first,
        table.c.record_offset < end,
    )
    passed = sa.select(passed_over.c.record_offset).where(
        passed_over.c.topic == place[0],
        passed_over.c.partition == place[1],
        passed_over.c.record_offset >= first,
        passed_over.c.record_offset < end,
    )
    with database.read_transaction() as connection:
        return set(connection.execute(rows).scalars()), set(connection.execute(passed).scalars())


def _compare(
    found: PartitionCheck, held: tuple[set[int], set[int]], offsets: Sequence[int], *, compacted: bool
) -> None:
    rows, passed = held
    found.on_topic += len(offsets)
    found.rows += len(rows)
    found.passed_over += len(passed)
    found.absent += sorted(set(offsets) - rows - passed)
    if not compacted:
        # Of a compacted topic the ledger keeps what the topic has let go.
        found.foreign += sorted((rows | passed) - set(offsets))
