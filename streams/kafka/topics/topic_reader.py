"""Reads ranges of topic partitions to their end, without a group.

A shell around `confluent_kafka.Consumer`, `read_committed`: it commits nothing, disturbs no process,
sees only what downstream systems see, and does not wait for records that are yet to come.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.access import Operation
from schemas.errors import OutageError, SetupError
from schemas.records import Headers, Partition, RecordBatch
from streams.kafka.admin import require_rights
from streams.kafka.group.consumer_config import ConsumerConfig, properties
from streams.kafka.group.read_batch import records_of
from streams.kafka.kafka_errors import NoTopicError, ReadingError, raised_fault
from streams.kafka.topics.messages import ends, poll_records
from streams.runtime.settings import Connection

MOST: Final = 2_000
"""Records in memory at once."""
ASK_S: Final = 10.0
PATIENCE_S: Final = 30.0
"""A broker that has given nothing for so long, not even the end of a partition, is away."""
LEADERLESS: Final = frozenset({KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE})
FETCH_WAIT_MS: Final = 10
"""An empty answer is what says that a partition has ended: the broker keeps it for half a second by default.

Offsets that end with a transaction's marker are no record's, so that nearly every reading waits for one.
"""
VISIBLE_S: Final = 20.0
"""Longer than a transaction of this project may stay open."""
VISIBLE_POLL_S: Final = 0.5


class UnreadTopicError(OutageError):
    """A topic could not be read to its end."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a topic."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    """Milliseconds since 1970, UTC: when it was produced."""
    key: bytes | None
    value: bytes | None
    header_pairs: Headers = ()
    """As they came: in order, repeated names too."""

    @property
    def headers(self) -> Mapping[str, bytes | None]:
        """By name; of repeated ones the last."""
        return dict(self.header_pairs)

    @property
    def place(self) -> tuple[int, int, int]:
        """Timestamp, partition, offset: tells which of a topic's records is the first."""
        return self.timestamp, self.partition, self.offset


@dataclass(frozen=True, slots=True)
class PartitionRange:
    """A stretch of one partition."""

    topic: str
    partition: int
    first: int
    end: int
    """Offset, exclusive."""


def partition_ranges(connection: Connection, topics: Sequence[str], since: int | None = None) -> list[PartitionRange]:
    """Current bounds of topics, partition by partition; records after an open transaction come later.

    Args:
        connection: broker.
        topics: by name.
        since: of each partition from its first record of this time or later on; milliseconds since 1970.

    Raises:
        NoTopicError, NotAllowedError: a topic does not exist, or must not be read.
        UnreadTopicError: the broker does not answer.
    """
    with _consumer(connection, topics) as consumer:
        found = [extent for topic in topics for extent in _bounds(consumer, topic)]
        chosen = found if since is None else _since(consumer, found, since)
    _require_readable(connection, chosen)
    return chosen


def _require_readable(connection: Connection, ranges: Sequence[PartitionRange]) -> None:
    """Ask for the right to read what seems empty: nothing of it will be read, so no read will be refused."""
    filled = {each.topic for each in ranges if each.end > each.first}
    empty = {each.topic for each in ranges} - filled
    if empty:
        require_rights(connection, dict.fromkeys(sorted(empty), frozenset({Operation.READ})))


def await_visible(connection: Connection, topics: Sequence[str], within_s: float = VISIBLE_S) -> None:
    """Return when readers of committed records see everything that is on these topics now.

    Raises:
        UnreadTopicError: a transaction stays open, or the broker does not answer.
        NoTopicError: a topic does not exist.
    """
    with _consumer(connection, topics, "read_uncommitted") as consumer:
        ends_now = {(each.topic, each.partition): each.end for topic in topics for each in _bounds(consumer, topic)}
    deadline = time.monotonic() + within_s
    while hidden := _hidden_partitions(partition_ranges(connection, topics), ends_now):
        if time.monotonic() > deadline:
            problem = f"an open transaction hides records of {', '.join(hidden)}: try again when it is over"
            raise UnreadTopicError(problem)
        time.sleep(VISIBLE_POLL_S)


def _hidden_partitions(ranges: Sequence[PartitionRange], ends_now: Mapping[Partition, int]) -> list[str]:
    behind = [each for each in ranges if each.end < ends_now.get((each.topic, each.partition), 0)]
    return [f"{each.topic}, partition {each.partition}" for each in behind]


def blocks(connection: Connection, wanted: Sequence[PartitionRange]) -> Iterator[list[Record]]:
    """Their records as they come, each partition in order, some thousands at once.

    Raises:
        UnreadTopicError: the broker stopped answering in the middle of reading.
    """
    for messages in _message_blocks(connection, wanted):
        yield [record_of(message) for message in messages]


def batches(connection: Connection, wanted: Sequence[PartitionRange]) -> Iterator[RecordBatch]:
    """The same as columns, a batch of one topic each, without headers: several times as fast; errors as of `blocks`."""
    for messages in _message_blocks(connection, wanted):
        for topic in sorted({message.topic() for message in messages}):
            yield records_of(topic, [message for message in messages if message.topic() == topic], headers=False)


def _message_blocks(connection: Connection, wanted: Sequence[PartitionRange]) -> Iterator[list[Any]]:
    full = {(each.topic, each.partition): each for each in wanted if each.end > each.first}
    if not full:
        return
    with _consumer(connection, sorted({topic for topic, _ in full})) as consumer:
        consumer.assign([TopicPartition(each.topic, each.partition, each.first) for each in full.values()])
        for messages in _until(consumer, full):
            if messages:
                yield messages


def record_of(message: Any) -> Record:
    """A record from a consumer's message."""
    return Record(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        timestamp=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        header_pairs=tuple(message.headers() or ()),
    )


def batch_of(topic: str, records: Sequence[Record]) -> RecordBatch:
    """The same as columns."""
    return RecordBatch(
        topic=topic,
        keys=[record.key for record in records],
        values=[record.value for record in records],
        partitions=[record.partition for record in records],
        offsets=[record.offset for record in records],
        timestamps=[record.timestamp for record in records],
        headers=[record.header_pairs for record in records],
    )


@contextmanager
def _consumer(connection: Connection, topics: Sequence[str], isolation: str = "read_committed") -> Iterator[Consumer]:
    consumer = Consumer(
        properties(
            connection,
            ConsumerConfig(topics=()),
            auto_offset_reset="earliest",
            isolation_level=isolation,
            # Read ahead per partition: the default of 64 MB makes memory follow the backlog of a slow reader.
            queued_max_messages_kbytes=4_096,
            fetch_wait_max_ms=FETCH_WAIT_MS,
        )
    )
    try:
        yield consumer
    except KafkaException as cause:
        raise _fault(cause, ", ".join(topics)) from cause
    except ReadingError as cause:
        raise UnreadTopicError(str(cause)) from cause
    finally:
        consumer.close()


def _fault(cause: KafkaException, topics: str) -> OutageError | SetupError:
    fault = raised_fault(cause, topics)
    return fault if isinstance(fault, SetupError) else UnreadTopicError(f"{topics} could not be read: {fault}")


def _bounds(consumer: Consumer, topic: str) -> Iterator[PartitionRange]:
    described = consumer.list_topics(topic, timeout=ASK_S).topics[topic]
    if described.error is not None and described.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise _fault(KafkaException(described.error), topic)
    if not described.partitions:
        raise NoTopicError.of(topic)
    for partition in sorted(described.partitions):
        yield PartitionRange(topic, partition, *_watermarks(consumer, TopicPartition(topic, partition)))


def _watermarks(consumer: Consumer, place: TopicPartition) -> tuple[int, int]:
    """First and next offset; waits while a partition that was just made, or has moved, has no leader yet."""
    deadline = time.monotonic() + ASK_S
    while True:
        try:
            low, high = consumer.get_watermark_offsets(place, timeout=ASK_S)
        except KafkaException as cause:
            if cause.args[0].code() not in LEADERLESS or time.monotonic() > deadline:
                raise
            time.sleep(VISIBLE_POLL_S)
        else:
            return low, high


def _since(consumer: Consumer, found: Sequence[PartitionRange], since: int) -> list[PartitionRange]:
    asked = [TopicPartition(each.topic, each.partition, since) for each in found]
    places = consumer.offsets_for_times(asked, timeout=ASK_S)
    # If no record is as late as that, the answer is no offset.
    begins = [place.offset if place.offset >= 0 else each.end for each, place in zip(found, places, strict=True)]
    return [replace(each, first=begin) for each, begin in zip(found, begins, strict=True)]


def _until(consumer: Consumer, full: Mapping[Partition, PartitionRange]) -> Iterator[list[Any]]:
    """Messages of the stretches; a partition is done at its end, or where nothing more is committed."""
    left, heard, topics = set(full), time.monotonic(), sorted({topic for topic, _ in full})
    while left:
        # The first message is waited for, the rest is what has arrived: a block would be waited for until it is full.
        messages: list[Any] = poll_records(consumer, 1, 1.0, topics)
        messages += poll_records(consumer, MOST - 1, 0, topics) if messages else []
        fresh = [message for message in messages if (message.topic(), message.partition()) in left]
        if not fresh and time.monotonic() - heard > PATIENCE_S:
            problem = "topics could not be read to their end: " + ", ".join(sorted({topic for topic, _ in left}))
            raise UnreadTopicError(problem)
        done = {place for message in fresh for place in [_place(message)] if _ends(message, full[place])}
        yield [message for message in fresh if message.error() is None and _lies_in(message, full[_place(message)])]
        if done:
            # Later records are not needed, and would be fetched.
            consumer.pause([TopicPartition(*place) for place in sorted(done)])
            left -= done
        # Whoever takes the records may have been slow with them.
        heard = time.monotonic() if fresh else heard


def _place(message: Any) -> Partition:
    return message.topic(), message.partition()


def _lies_in(message: Any, extent: PartitionRange) -> bool:
    # Records before its first offset were written after the topic was deleted and recreated.
    return bool(extent.first <= message.offset() < extent.end)


def _ends(message: Any, extent: PartitionRange) -> bool:
    """True if nothing of the range follows this message."""
    return ends(message) or message.offset() >= extent.end - 1
