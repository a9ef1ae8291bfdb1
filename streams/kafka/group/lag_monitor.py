"""Lag of a topic, measured on the log itself: in every partition, owned or not, even if no process reads.

A reader knows the records after its position. It does not know of partitions without an owner, of a group that
stands still, or of an upstream transaction that hangs and hides all records after it. So a separate thread with two
clients that join no group compares the group's committed offsets with both ends of the log: the last stable offset,
as `read_committed` readers see it, and the high watermark.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from confluent_kafka import Consumer, KafkaError, TopicPartition

from streams.kafka.kafka_errors import CLIENT_FAULTS
from streams.runtime.hang_guard import at_most
from streams.runtime.settings import Connection

EVERY_S: Final = 5.0
ASK_S: Final = 5.0
CLOSE_S: Final = 2.0
FETCH_S: Final = 3.0
"""For the first waiting record of each partition; one that does not come in time is left to the next look."""
FETCH_BYTES: Final = 65_536
"""Of a partition: only its first record is wanted."""
UNKNOWN_AFTER_S: Final = 15.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Backlog:
    """The backlog at one measurement."""

    records: int = 0
    """Offsets between the group's place and the log's end, where a record waits: markers of transactions count."""
    since: float | None = None
    """When the oldest waiting record was produced, seconds since 1970; None where none waits."""


class LagMonitor:
    """Measures every few seconds, in a separate thread; any thread may call it. An error counts as no measurement."""

    def __init__(
        self,
        connection: Connection,
        topic: str,
        group: str,
        make: Callable[[dict[str, Any]], Any] = Consumer,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Starts nothing yet.

        Args:
            connection: broker.
            topic: what is read.
            group: who reads it.
            make: makes a consumer; for tests.
            clock: seconds since 1970.
        """
        self._properties = connection.kafka(
            {
                "group.id": group,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.message.max.bytes": FETCH_BYTES,
                "queued.max.messages.kbytes": 1_024,
            }
        )
        self._topic = topic
        self._make = make
        self._clock = clock
        self._seen = Backlog()
        self._seen_at: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lag", daemon=True)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stop.set()

    @property
    def known(self) -> bool:
        """Whether the broker has answered yet."""
        return self._seen_at is not None

    def records(self) -> float:
        """Records that waited at the last look, over all partitions."""
        return float(self._seen.records)

    def seconds(self) -> float:
        """Age of the oldest waiting record; while no broker answers, at least the age of the last answer."""
        now = self._clock()
        age = now - self._seen.since if self._seen.since is not None else 0.0
        silence = now - self._seen_at if self._seen_at is not None else 0.0
        return max(age, silence if silence > UNKNOWN_AFTER_S else 0.0, 0.0)

    def _run(self) -> None:
        stable = self._make({**self._properties, "isolation.level": "read_committed"})
        whole = self._make({**self._properties, "isolation.level": "read_uncommitted"})
        while not self._stop.is_set():
            try:
                self._seen = self.look(stable, whole)
                self._seen_at = self._clock()
            except CLIENT_FAULTS as cause:
                log.debug("lag.unknown", error=type(cause).__name__)
            self._stop.wait(EVERY_S)
        at_most(stable.close, CLOSE_S, "lag")
        at_most(whole.close, CLOSE_S, "lag")

    def look(self, stable: Any, whole: Any) -> Backlog:
        """What waits now.

        Args:
            stable: a consumer that sees what is committed.
            whole: one that sees all.

        Raises:
            KafkaException: the broker does not answer.
        """
        partitions = sorted(stable.list_topics(self._topic, ASK_S).topics[self._topic].partitions)
        committed = stable.committed([TopicPartition(self._topic, each) for each in partitions], ASK_S)
        ends = {each: whole.get_watermark_offsets(TopicPartition(self._topic, each), ASK_S) for each in partitions}
        # A group that never committed begins at the beginning.
        places = {each.partition: max(each.offset, ends[each.partition][0]) for each in committed}
        behind = {each: place for each, place in places.items() if place < ends[each][1]}
        first = self._first(stable, behind)
        hidden = {
            each: max(stable.get_watermark_offsets(TopicPartition(self._topic, each), ASK_S)[1], place)
            for each, place in behind.items()
            if each not in first
        }
        # Nothing can be read although the log continues: a transaction is open there, or only markers follow.
        held = {each: offset for each, offset in hidden.items() if offset < ends[each][1]}
        first |= self._first(whole, held)
        records = sum(ends[each][1] - places[each] for each in first)
        return Backlog(records, min(first.values(), default=None))

    def _first(self, consumer: Any, places: Mapping[int, int]) -> dict[int, float]:
        """When the first record at or behind each place was produced; without those that have none."""
        if not places:
            return {}
        consumer.assign([TopicPartition(self._topic, each, offset) for each, offset in places.items()])
        found: dict[int, float] = {}
        left, until = set(places), time.monotonic() + FETCH_S
        while left and time.monotonic() < until and not self._stop.is_set():
            for message in consumer.consume(100, 0.1):
                error = message.error()
                if error is None and message.partition() in left:
                    found[message.partition()] = message.timestamp()[1] / 1000
                if error is None or error.code() == KafkaError._PARTITION_EOF:
                    left.discard(message.partition())
        consumer.unassign()
        return found
