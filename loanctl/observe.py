"""Reads the topics back: all that lies on them up to now, or what arrives while one watches.

A shell around `confluent_kafka.Consumer`, without a group, `read_committed`: it disturbs no
process and sees only what downstream systems see. What the records say: `loanctl.sightings`.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from drift.decoding import Projection
from drift.joining import Place
from schemas.codec import schema_ids
from schemas.faults import OutageError
from schemas.registered import WriterSchemas
from schemas.topics import Topic
from streams.connection import Connection

POLL_S: Final = 0.05
MOST: Final = 2_000
"""Messages taken at once."""
FETCH_WAIT_MS: Final = 10
"""The broker's default of half a second would be the larger part of any latency seen here."""
NS_PER_MS: Final = 1_000_000
PATIENCE_S: Final = 20.0
"""A broker that has given nothing for so long, not even the end of a partition, is away."""


class UnreadTopicError(OutageError):
    """A topic could not be read to its end."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it lies on a topic."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    arrived: int
    """Milliseconds since 1970, by this machine's clock: when we had it in hands."""
    value: bytes | None
    headers: Mapping[str, bytes | None]

    @property
    def place(self) -> Place:
        """Tells which of a topic's records is the first."""
        return self.timestamp, self.partition, self.offset


class Watcher:
    """Follows topics from their beginning, in a thread, and keeps every record with the moment it came."""

    def __init__(self, connection: Connection, topics: Sequence[Topic]) -> None:
        self._consumer = _consumer(connection, topics)
        self._records: dict[str, list[Record]] = {topic.name: [] for topic in topics}
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="watcher", daemon=True)

    def records(self, topic: Topic) -> list[Record]:
        """What came of one topic so far, in the order it came."""
        with self._news:
            return list(self._records[topic.name])

    def wait_for(self, happened: Callable[[], bool], timeout_s: float) -> bool:
        """Whether it happened in time; asked again after everything that comes."""
        deadline = time.monotonic() + timeout_s
        while not happened():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with self._news:
                self._news.wait(min(left, 1.0))
        return True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def _follow(self) -> None:
        while not self._stop.is_set():
            messages = self._consumer.consume(1, POLL_S)
            messages += self._consumer.consume(MOST, 0) if messages else []
            found = [_record(message) for message in messages if message.error() is None]
            if not found:
                continue
            with self._news:
                for record in found:
                    self._records[record.topic].append(record)
                self._news.notify_all()


def everything(connection: Connection, topics: Sequence[Topic]) -> dict[str, list[Record]]:
    """All records that lie on topics now, by topic name, each in the order of timestamps.

    Raises:
        UnreadTopicError: the broker gave nothing for too long.
    """
    records = [record for block in blocks(connection, topics) for record in block]
    found: dict[str, list[Record]] = {topic.name: [] for topic in topics}
    for record in sorted(records, key=lambda record: record.place):
        found[record.topic].append(record)
    return found


def blocks(connection: Connection, topics: Sequence[Topic], since: int | None = None) -> Iterator[list[Record]]:
    """All records that lie on topics now, as they come: each partition in order, no more than a block in memory.

    Args:
        connection: broker.
        topics: which.
        since: of each partition from its first record of this time or later on; milliseconds since 1970.

    Raises:
        UnreadTopicError: the broker gave nothing for too long.
    """
    consumer = _consumer(connection, topics)
    try:
        if since is not None:
            _begin_at(consumer, since)
        yield from _to_the_end(consumer, {(place.topic, place.partition) for place in consumer.assignment()})
    finally:
        consumer.close()


def projected(
    connection: Connection,
    topic: Topic,
    projection: Projection,
    since: int | None = None,
    chosen: Callable[[Record], bool] = lambda _: True,
) -> Iterator[tuple[Record, Mapping[str, Any] | None]]:
    """Records that lie on a topic now, and the fields read of each; None where its bytes are no such event.

    Args:
        connection: broker and registry.
        topic: which.
        projection: the event and its fields.
        since: as for `blocks`.
        chosen: of such records alone.

    Raises:
        OutageError: broker or registry is away.
    """
    writers = WriterSchemas(connection.registry())
    for block in blocks(connection, [topic], since):
        known = writers.of(schema_ids([record.value for record in block]))
        for record in filter(chosen, block):
            yield record, projection.read(record.value, known)


def _consumer(connection: Connection, topics: Sequence[Topic]) -> Consumer:
    consumer = Consumer(
        {
            **connection.kafka(),
            # librdkafka asks for a name even where no group is joined and nothing is committed.
            "group.id": "loanctl-observe",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": FETCH_WAIT_MS,
        }
    )
    try:
        places = [place for topic in topics for place in _places(consumer, topic.name)]
        consumer.assign(places)
    except KafkaException as cause:
        consumer.close()
        raise UnreadTopicError(cause.args[0].name()) from cause
    return consumer


def _places(consumer: Consumer, topic: str) -> list[TopicPartition]:
    known = consumer.list_topics(topic, timeout=PATIENCE_S).topics[topic].partitions
    return [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in known]


def _begin_at(consumer: Consumer, since: int) -> None:
    asked = [TopicPartition(place.topic, place.partition, since) for place in consumer.assignment()]
    try:
        consumer.assign(consumer.offsets_for_times(asked, timeout=PATIENCE_S))
    except KafkaException as cause:
        raise UnreadTopicError(cause.args[0].name()) from cause


def _to_the_end(consumer: Consumer, open_places: set[tuple[str, int]]) -> Iterator[list[Record]]:
    heard = time.monotonic()
    while open_places:
        messages = consumer.consume(MOST, POLL_S)
        if not messages and time.monotonic() - heard > PATIENCE_S:
            problem = "topics could not be read to their end: " + ", ".join(sorted({topic for topic, _ in open_places}))
            raise UnreadTopicError(problem)
        records = []
        for message in messages:
            error = message.error()
            if error is None:
                records.append(_record(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                open_places.discard((message.topic(), message.partition()))
        if records:
            yield records
        # Whoever takes the records may have been slow with them.
        heard = time.monotonic() if messages else heard


def _record(message: Any) -> Record:
    return Record(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        timestamp=message.timestamp()[1],
        arrived=time.time_ns() // NS_PER_MS,
        value=message.value(),
        headers=dict(message.headers() or ()),
    )
