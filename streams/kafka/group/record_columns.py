"""Columns of one partition's records, gathered from a consumer's messages a portion at a time.

A message of the client is an object with a copy of key and value of its own: five thousand of them do not fit into a
processor's caches, and each is fetched from memory again for each of its fields. Taken apart in portions, they cost
a sixth less (docs/drift.md).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, Protocol

from schemas.records import Headers, Partition, RecordBatch
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
        self._place = place
        self._with_headers = headers
        self._keys: list[bytes | None] = []
        self._values: list[bytes | None] = []
        self._offsets: list[int] = []
        self._timestamps: list[int] = []
        self._headers: list[Headers] = []

    def __len__(self) -> int:
        return len(self._values)

    def extend(self, messages: Sequence[Any]) -> None:
        """Add messages of this partition, one at least, in the order read; ends of it may be among them."""
        # A record may follow the end of a partition, and the end a record.
        self.ended = ends(messages[-1])
        records = [message for message in messages if message.error() is None]
        self._keys += [message.key() for message in records]
        self._values += [message.value() for message in records]
        self._offsets += [message.offset() for message in records]
        self._timestamps += [message.timestamp()[1] for message in records]
        if self._with_headers:
            self._headers += [tuple(message.headers() or ()) for message in records]

    def batch(self) -> RecordBatch:
        """All of them."""
        topic, partition = self._place
        count = len(self._values)
        return RecordBatch(
            topic=topic,
            keys=self._keys,
            values=self._values,
            partitions=[partition] * count,
            offsets=self._offsets,
            timestamps=self._timestamps,
            headers=self._headers if self._with_headers else [()] * count,
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
        messages = source.consume(min(left, PORTION), timeout_s)
        if source.epoch != epoch:
            gathered.clear()
        if not messages:
            break
        for place, run in runs(messages):
            if place not in gathered:
                gathered[place] = columns_of(place)
            gathered[place].extend(run)
        left, timeout_s = left - len(messages), 0.0
    return gathered
