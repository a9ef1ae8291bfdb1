"""Reads topics to their end: all their records, or selected fields of one event.

Each call reads from the beginning of a topic, or of a range of it, to its end as of the call, and then returns.
`read_columns` is the fast way to a few fields of many events.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.codec.bulk_projection import BulkProjection, EventColumns
from schemas.codec.projection import Projection
from schemas.codec.wire_format import schema_ids
from schemas.records import RecordBatch
from schemas.registry_client import WriterSchemas
from streams.kafka.topics.topic_reader import PartitionRange, Record, batches, blocks, partition_ranges
from streams.runtime.settings import Connection


@dataclass(frozen=True, slots=True)
class WholeTopic:
    """Committed records of a topic, by partition and offset."""

    records: tuple[Record, ...]
    ranges: tuple[PartitionRange, ...]
    """Of its partitions: what was read."""

    @property
    def offsets(self) -> str:
        """From where to where, in words."""
        return ", ".join(f"{each.partition}:{each.first}-{each.end}" for each in self.ranges)

    def values(self, until: int | None = None) -> list[bytes | None]:
        """Values of the records not after this time, milliseconds since 1970."""
        return [record.value for record in self.records if until is None or record.timestamp <= until]

    def by_time(self) -> list[Record]:
        """The records in the order of their timestamps."""
        return sorted(self.records, key=lambda record: record.place)


def read_whole(connection: Connection, topics: Sequence[str]) -> dict[str, WholeTopic]:
    """All that is committed on topics now, by topic.

    Raises:
        UnreadTopicError: the broker does not answer.
        NoTopicError: a topic does not exist.
    """
    ranges = partition_ranges(connection, topics)
    records: dict[str, list[Record]] = {topic: [] for topic in topics}
    for block in blocks(connection, ranges):
        for record in block:
            records[record.topic].append(record)
    return {
        topic: WholeTopic(
            records=tuple(sorted(found, key=lambda record: (record.partition, record.offset))),
            ranges=tuple(each for each in ranges if each.topic == topic),
        )
        for topic, found in records.items()
    }


def read_topic(connection: Connection, topic: str) -> WholeTopic:
    """One of them; errors as of `read_whole`."""
    return read_whole(connection, [topic])[topic]


def read_fields(
    connection: Connection,
    wanted: Sequence[PartitionRange],
    projection: Projection,
    chosen: Callable[[Record], bool] = lambda _: True,
    between: Callable[[], object] = lambda: None,
) -> Iterator[tuple[Record, Mapping[str, Any] | None]]:
    """Records, and the fields read of each; None where its bytes are no such event.

    Args:
        connection: broker and registry.
        wanted: stretches of partitions.
        projection: the event and its fields.
        chosen: True for a record that is to be read.
        between: called after each block of some thousand records.

    Raises:
        OutageError: broker or registry is away.
    """
    registry, writers = connection.registry(), dict[str, WriterSchemas]()
    for block in blocks(connection, wanted):
        for topic in {record.topic for record in block} - writers.keys():
            writers[topic] = WriterSchemas(registry, topic)
        ids = schema_ids([record.value for record in block])
        known = {topic: its.of(ids) for topic, its in writers.items()}
        for record in filter(chosen, block):
            yield record, projection.read(record.value, known[record.topic])
        between()


def read_columns(
    connection: Connection,
    wanted: Sequence[PartitionRange],
    projection: BulkProjection,
    between: Callable[[], object] = lambda: None,
) -> Iterator[tuple[RecordBatch, EventColumns]]:
    """Records without headers, and the fields read of them; arguments and errors as of `read_fields`."""
    registry, writers = connection.registry(), dict[str, WriterSchemas]()
    for batch in batches(connection, wanted):
        its = writers.setdefault(batch.topic, WriterSchemas(registry, batch.topic))
        yield batch, projection.read(batch.values, its.of(schema_ids(batch.values)))
        between()
