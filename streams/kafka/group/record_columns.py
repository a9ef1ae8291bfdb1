"""Columns of one partition's records, gathered from a consumer's messages a portion at a time.

A message of the client is an object with a copy of key and value of its own: five thousand of them do not fit into a
processor's caches, and each is fetched from memory again for each of its fields. Taken apart in portions, they cost
a sixth less (docs/drift.md).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, Protocol

from schemas.records import Partition, RecordBatch
from streams.kafka.group.read_batch import records_of
from streams.kafka.topics.messages import ends

PORTION: Final = 500
"""Messages asked for at once."""


class MessageSource(Protocol):
    """A consumer, as `streams.kafka.group.consumer.GroupConsumer` is."""

    epoch: int
    """Grows with each rebalance."""

    def consume(self, most: int, timeout_s: float) -> list[Any]:
        """Records and ends of partitions, all of one assignment."""


class RecordColumns:
    """Records of one partition, in the order read."""

    def __init__(self, place: Partition, *, headers: bool = True) -> None:
        """None yet.

        Args:
            place: topic and partition.
            headers: whether they are needed; six of a record cost as much as all the rest of it.
        """
        self.ended = False
        """Whether the partition was read to its end: no record came after it."""
        self._topic = place[0]
        self._with_headers = headers
        self._portions: list[RecordBatch] = []

    def __len__(self) -> int:
        return sum(len(portion.values) for portion in self._portions)

    def extend(self, messages: Sequence[Any]) -> None:
        """Add messages of this partition, one at least, in the order read; ends of it may be among them."""
        # A record may follow the end of a partition, and the end a record.
        self.ended = ends(messages[-1])
        records = [message for message in messages if message.error() is None]
        self._portions.append(records_of(self._topic, records, headers=self._with_headers))

    def batch(self) -> RecordBatch:
        """All of them."""
        return RecordBatch(
            topic=self._topic,
            keys=[key for portion in self._portions for key in portion.keys],
            values=[value for portion in self._portions for value in portion.values],
            partitions=[partition for portion in self._portions for partition in portion.partitions],
            offsets=[offset for portion in self._portions for offset in portion.offsets],
            timestamps=[timestamp for portion in self._portions for timestamp in portion.timestamps],
            headers=[headers for portion in self._portions for headers in portion.headers],
        )


def runs(messages: Sequence[Any]) -> Iterator[tuple[Partition, list[Any]]]:
    """Messages of one partition that came one after the other, with their partition; in the order read."""
    topics, partitions = [message.topic() for message in messages], [message.partition() for message in messages]
    places: Iterable[Partition] = zip(topics, partitions, strict=True)
    for place, run in groupby(zip(places, messages, strict=True), key=itemgetter(0)):
        yield place, [message for _, message in run]


def gather(
    source: MessageSource, most: int, timeout_s: float, columns_of: Callable[[Partition], RecordColumns]
) -> dict[Partition, RecordColumns]:
    """What has arrived, by partition; all of one assignment: after a rebalance nothing that was read before it.

    Args:
        source: consumer; a rebalance may happen in here.
        most: messages.
        timeout_s: how long to wait for the first.
        columns_of: empty columns for a partition.
    """
    gathered: dict[Partition, RecordColumns] = {}
    left = most
    while left > 0:
        epoch = source.epoch
        portion = min(left, PORTION)
        messages = source.consume(portion, timeout_s)
        if source.epoch != epoch:
            gathered.clear()
        for place, run in runs(messages):
            if place not in gathered:
                gathered[place] = columns_of(place)
            gathered[place].extend(run)
        if len(messages) < portion:
            break
        left, timeout_s = left - portion, 0.0
    return gathered
