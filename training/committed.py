"""A topic read whole: every committed record from its beginning to where it ended when asked.

A shell around a Kafka consumer without a group; nothing is committed, nothing waits for more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.faults import OutageError
from streams.connection import Connection
from streams.produce import NoTopicError

BLOCK: Final = 5_000
ASK_S: Final = 10.0
STALLED_S: Final = 30.0
"""Without a record or an end for so long, the broker is away."""


class StalledError(OutageError):
    """The broker does not answer, or stopped answering in the middle of reading."""


@dataclass(frozen=True, slots=True)
class Record:
    """One committed record."""

    partition: int
    offset: int
    timestamp: int
    """Milliseconds since 1970."""
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]


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
        StalledError: the broker does not answer.
        NoTopicError: the topic does not exist.
    """
    consumer = Consumer(
        {
            **connection.kafka(),
            "group.id": "unused",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
        }
    )
    try:
        bounds = _bounds(consumer, topic)
        consumer.assign([TopicPartition(topic, partition, low) for partition, (low, _) in bounds.items()])
        found = list(_until_ends(consumer, {part: high for part, (low, high) in bounds.items() if high > low}))
    except KafkaException as cause:
        raise StalledError(cause.args[0].name()) from None
    finally:
        consumer.close()
    told = ", ".join(f"{partition}:{low}-{high}" for partition, (low, high) in sorted(bounds.items()))
    ordered = sorted(found, key=lambda record: (record.partition, record.offset))
    return Whole(records=tuple(ordered), offsets=f"{topic} {told}")


def _bounds(consumer: Consumer, topic: str) -> Mapping[int, tuple[int, int]]:
    described = consumer.list_topics(topic, timeout=ASK_S).topics[topic]
    if described.error is not None or not described.partitions:
        problem = f"topic {topic} does not exist: run `loanctl topics apply`"
        raise NoTopicError(problem)
    return {
        partition: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ASK_S)
        for partition in described.partitions
    }


def _until_ends(consumer: Consumer, ends: dict[int, int]) -> Iterator[Record]:
    """Records under the ends; a partition is done at its end, or where nothing more is committed."""
    left = dict(ends)
    while left:
        # The first message is waited for, the rest is what has arrived: a block would be waited for until it is full.
        messages: list[Any] = consumer.consume(1, STALLED_S)
        if not messages:
            raise StalledError
        messages += consumer.consume(BLOCK, 0)
        for message in messages:
            partition, error = message.partition(), message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            if error is None and partition in left and message.offset() < ends[partition]:
                yield _record(message)
            if error is not None or message.offset() >= ends[partition] - 1:
                left.pop(partition, None)


def _record(message: Any) -> Record:
    return Record(
        partition=message.partition(),
        offset=message.offset(),
        timestamp=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=dict(message.headers() or ()),
    )
