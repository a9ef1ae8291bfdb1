"""Reads a topic on from where it stopped, as a downstream reader of committed records."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from streams.kafka.topics.topic_reader import PartitionRange, Record, blocks, partition_ranges
from streams.runtime.settings import Connection

Item = TypeVar("Item")


@dataclass
class TopicTail(Generic[Item]):
    """All records of a topic so far, as `take` makes something of each. Used from one thread."""

    connection: Connection
    topic: str
    take: Callable[[Record], Item]
    items: list[Item] = field(default_factory=list)
    _next: dict[int, int] = field(default_factory=dict)

    def read_on(self) -> Sequence[Item]:
        """Everything up to now, in the order of each partition."""
        wanted = [
            PartitionRange(each.topic, each.partition, max(each.first, self._next.get(each.partition, 0)), each.end)
            for each in partition_ranges(self.connection, [self.topic])
        ]
        for block in blocks(self.connection, wanted):
            self.items += [self.take(record) for record in block]
        self._next |= {each.partition: max(each.end, each.first) for each in wanted}
        return self.items
