"""A topic read whole: every committed record from its beginning to where it ended when asked."""

from dataclasses import dataclass

from streams.kafka.topic_reader import Record, blocks, partition_ranges
from streams.runtime.settings import Connection


@dataclass(frozen=True, slots=True)
class Whole:
    """A topic as it was: records in partition order; `offsets` says from where to where, in words."""

    records: tuple[Record, ...]
    offsets: str

    def values(self, until: int | None = None) -> list[bytes | None]:
        """Values of the records not after this time, milliseconds since 1970."""
        return [record.value for record in self.records if until is None or record.timestamp <= until]


def whole(connection: Connection, topic: str) -> Whole:
    """All that is committed on a topic now.

    Raises:
        UnreadTopicError: the broker does not answer.
        NoTopicError: the topic does not exist.
    """
    lying = partition_ranges(connection, [topic])
    found = [record for block in blocks(connection, lying) for record in block]
    told = ", ".join(f"{each.partition}:{each.first}-{each.end}" for each in lying)
    ordered = sorted(found, key=lambda record: (record.partition, record.offset))
    return Whole(records=tuple(ordered), offsets=f"{topic} {told}")
