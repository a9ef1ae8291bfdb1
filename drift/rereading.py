"""Events that lie on a topic, read as drift reads them: a shell around `streams.kafka.topic_reader`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from schemas.projection import Projection
from schemas.registry_client import WriterSchemas
from schemas.wire_format import schema_ids
from streams.kafka.topic_reader import PartitionRange, Record, blocks
from streams.runtime.settings import Connection


def projected(
    connection: Connection,
    wanted: Sequence[PartitionRange],
    projection: Projection,
    chosen: Callable[[Record], bool] = lambda _: True,
    between: Callable[[], object] = lambda: None,
) -> Iterator[tuple[Record, Mapping[str, Any] | None]]:
    """Records, and the fields read of each; None where its bytes are no such event.

    Args:
        connection: broker and registry.
        wanted: where they lie.
        projection: the event and its fields.
        chosen: of such records alone.
        between: called after every some thousand of them.

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
