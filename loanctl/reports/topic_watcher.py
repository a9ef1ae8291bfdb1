"""What lies on the topics up to now, or what arrives while one watches.

A shell around `streams.kafka.topic_reader` and a consumer of its own. Records to events: `loanctl.reports.event_log`.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from schemas.errors import LoanError
from schemas.topics import Topic
from streams.kafka.messages import ends, poll_records
from streams.kafka.topic_reader import Record, UnreadTopicError, blocks, partition_ranges, record_of
from streams.runtime.settings import Connection

POLL_S: Final = 0.05
MOST: Final = 2_000
"""Messages taken at once."""
FETCH_WAIT_MS: Final = 10
"""The broker's default of half a second would be the larger part of any latency seen here."""
NS_PER_MS: Final = 1_000_000
ASK_S: Final = 20.0


class Watcher:
    """Follows topics from their beginning, in a thread, and keeps every record with the moment it came."""

    def __init__(self, connection: Connection, topics: Sequence[Topic]) -> None:
        self._consumer = _consumer(connection, topics)
        self._records: dict[str, list[Record]] = {topic.name: [] for topic in topics}
        self._arrivals: dict[str, list[int]] = {topic.name: [] for topic in topics}
        self._fault: LoanError | None = None
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="watcher", daemon=True)

    def records(self, topic: Topic) -> list[Record]:
        """What came of one topic so far, in the order it came."""
        with self._news:
            return list(self._records[topic.name])

    def arrivals(self, topic: Topic) -> dict[tuple[int, int], int]:
        """When each record of a topic was in our hands, milliseconds since 1970, by partition and offset."""
        with self._news:
            came = zip(self._records[topic.name], self._arrivals[topic.name], strict=True)
            return {(record.partition, record.offset): poll_records for record, poll_records in came}

    def wait_for(self, happened: Callable[[], bool], timeout_s: float) -> bool:
        """Whether it happened in time; asked again after everything that comes.

        Raises:
            OutageError, SetupError: the topics cannot be followed any more.
        """
        deadline = time.monotonic() + timeout_s
        while not happened():
            if self._fault is not None:
                raise self._fault
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
        names = sorted(self._records)
        while not self._stop.is_set():
            try:
                messages = poll_records(self._consumer, 1, POLL_S, names, in_group=False)
                messages += poll_records(self._consumer, MOST, 0, names, in_group=False) if messages else []
            except LoanError as fault:
                # Of another thread: told to the one that waits.
                self._fault = fault
                return
            found = [message for message in messages if not ends(message)]
            if found:
                self._keep(found, time.time_ns() // NS_PER_MS)

    def _keep(self, messages: Sequence[Any], now: int) -> None:
        with self._news:
            for record in map(record_of, messages):
                self._records[record.topic].append(record)
                self._arrivals[record.topic].append(now)
            self._news.notify_all()


def everything(connection: Connection, topics: Sequence[Topic]) -> dict[str, list[Record]]:
    """All records that lie on topics now, by topic name, each in the order of timestamps.

    Raises:
        UnreadTopicError: the broker gave nothing for too long.
        NoTopicError: a topic does not exist.
    """
    lying = partition_ranges(connection, [topic.name for topic in topics])
    records = [record for block in blocks(connection, lying) for record in block]
    found: dict[str, list[Record]] = {topic.name: [] for topic in topics}
    for record in sorted(records, key=lambda record: record.place):
        found[record.topic].append(record)
    return found


def _consumer(connection: Connection, topics: Sequence[Topic]) -> Consumer:
    consumer = Consumer(
        {
            **connection.kafka(),
            # librdkafka asks for a name even where no group is joined and nothing is committed.
            "group.id": "loanctl-observe",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": FETCH_WAIT_MS,
        }
    )
    try:
        consumer.assign([place for topic in topics for place in _places(consumer, topic.name)])
    except KafkaException as cause:
        consumer.close()
        raise UnreadTopicError(cause.args[0].name()) from cause
    return consumer


def _places(consumer: Consumer, topic: str) -> list[TopicPartition]:
    known = consumer.list_topics(topic, timeout=ASK_S).topics[topic].partitions
    return [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in known]
