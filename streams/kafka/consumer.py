"""A consumer's place in its group: which partitions it has, since which rebalance, and how far they are read.

The shell around `confluent_kafka.Consumer`. What is read becomes batches in `streams.kafka.batch_reader`.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import structlog
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition

from streams.kafka.errors import NotAllowedError, NoTopicError, ReadingError
from streams.runtime.settings import Connection
from streams.runtime.timeouts import at_most

SESSION_MS: Final = 8_000
"""A killed worker is replaced after this long; brokers allow no less than six seconds by default."""
HEARTBEAT_MS: Final = 2_000
LOCAL_QUEUE_KB: Final = 16_384
"""Read ahead per partition. The default of 64 MB makes memory follow the backlog."""
QUEUE_BACKOFF_MS: Final = 20
"""A full local queue is looked at again after this long. The default of a second starves a fast reader."""
ASK_S: Final = 10.0
LAG_EVERY_S: Final = 1.0
CLOSE_S: Final = 5.0
"""A consumer whose broker is away may hang in its farewell; then its session ends without one."""
NOT_ALLOWED: Final = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED})

Place = tuple[str, int]
"""Topic and partition."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerConfig:
    """What to read, and how."""

    topics: Sequence[str]
    group: str = ""
    """Empty: no group. All partitions are read from the beginning (or the end), and nothing is committed."""
    instance_id: str = ""
    """Static membership: a process that comes back under its name gets its partitions back at once."""
    most_records: int = 500
    in_flight: int = 2
    """Batches handed over and not done. Two: one is worked on while the next forms."""
    from_beginning: bool = True
    """Where reading begins if the group has committed nothing."""
    drain_s: float = 5.0
    """How long a rebalance waits for batches in flight: shorter than a session, so that nobody is thrown out for it."""


class GroupConsumer:
    """One consumer. Reading and rebalances belong to one thread; the rest may be asked from any."""

    def __init__(
        self,
        connection: Connection,
        reading: ConsumerConfig,
        leaving: Callable[[], object],
        make: Callable[[dict[str, Any]], Any] = Consumer,
    ) -> None:
        """Join the group, or take all partitions where there is none.

        Args:
            leaving: called before partitions are given up in good order; may block for seconds.
            make: makes the consumer; for tests.

        Raises:
            NoTopicError: a topic is not there (without a group; with one, reading says so).
            ReadingError: no broker answers (without a group).
        """
        self.reading = reading
        self.partitions: frozenset[Place] = frozenset()
        self.epoch = 0
        """Grows with each rebalance."""
        self.assigned = threading.Event()
        """The group has told us our partitions, be they none."""
        self.lost = False
        """The group went on without us at least once: our session ended."""
        self.lag = 0
        """Records that wait behind what was read, as of the last second."""
        self._measured_at = 0.0
        self._leaving = leaving
        self._read_to: dict[Place, int] = {}
        self._consumer = make(properties(connection, reading))
        if reading.group:
            self._consumer.subscribe(
                list(reading.topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
        else:
            self._take_all()

    def consume(self, most: int, timeout_s: float) -> list[Any]:
        """Messages that have arrived; rebalances happen in here.

        Raises:
            NoTopicError, NotAllowedError: a person must act.
            ReadingError: this consumer is fenced or broken.
        """
        self._measure_lag()
        try:
            messages = self._consumer.consume(most, timeout_s)
        except (KafkaException, RuntimeError) as cause:
            raise ReadingError(type(cause).__name__) from cause
        return [message for message in messages if message.error() is None or self._is_record(message)]

    def metadata(self) -> Any:
        """The group's view of us, now: only where the caller is the reading thread does it fit what was read."""
        return self._consumer.consumer_group_metadata() if self.reading.group else None

    def read_to(self, topic: str, next_offsets: Mapping[int, int]) -> None:
        """Remember how far was read, for `lag`."""
        self._read_to.update({(topic, partition): offset for partition, offset in next_offsets.items()})

    def _measure_lag(self) -> None:
        # Here, in the reading thread: a scrape that asked a consumer just being closed would crash the process.
        if time.monotonic() - self._measured_at < LAG_EVERY_S:
            return
        self._measured_at = time.monotonic()
        waiting = 0
        for place in self.partitions:
            with suppress(KafkaException, TypeError):
                _, high = self._consumer.get_watermark_offsets(TopicPartition(*place), cached=True)
                waiting += max(high - self._read_to.get(place, high), 0)
        self.lag = waiting

    def commit(self, positions: Sequence[TopicPartition]) -> None:
        """Commit, and wait for it.

        Raises:
            ReadingError: the broker did not take the offsets.
        """
        try:
            self._consumer.commit(offsets=list(positions), asynchronous=False)
        except (KafkaException, RuntimeError) as cause:
            raise ReadingError(type(cause).__name__) from cause

    def pause(self) -> None:
        """Fetch nothing for a while, and stay a member."""
        with suppress(KafkaException):
            self._consumer.pause(self._places())

    def resume(self) -> None:
        """Fetch again."""
        with suppress(KafkaException):
            self._consumer.resume(self._places())

    def close(self) -> None:
        """Leave. A static member's partitions wait for it until its session ends."""
        self._leaving = _at_once
        at_most(self._close_consumer, CLOSE_S, "leaving")

    def _close_consumer(self) -> None:
        with suppress(RuntimeError):
            self._consumer.close()

    def _places(self) -> list[TopicPartition]:
        return [TopicPartition(*place) for place in sorted(self.partitions)]

    def _is_record(self, message: Any) -> bool:
        error = message.error()
        if error.code() == KafkaError._PARTITION_EOF:
            # The end in offsets, transaction markers included, which no record would tell us.
            self._read_to[message.topic(), message.partition()] = message.offset()
            return False
        if error.fatal():
            raise ReadingError(error.name())
        if error.code() in NOT_ALLOWED:
            raise NotAllowedError(error.name())
        if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART and not self.partitions:
            raise _no_topic([message.topic() or ", ".join(self.reading.topics)])
        log.warning("reading.disturbed", error=error.name())
        return False

    def _take_all(self) -> None:
        try:
            known = {topic: self._consumer.list_topics(topic, ASK_S).topics[topic] for topic in self.reading.topics}
        except KafkaException as cause:
            raise ReadingError(cause.args[0].name()) from cause
        missing = [name for name, topic in known.items() if not topic.partitions]
        if missing:
            raise _no_topic(missing)
        self.partitions = frozenset((name, partition) for name in known for partition in known[name].partitions)
        start = OFFSET_BEGINNING if self.reading.from_beginning else OFFSET_END
        self._consumer.assign([TopicPartition(*place, start) for place in sorted(self.partitions)])
        self.assigned.set()

    def _on_assign(self, _consumer: Any, given: list[Any]) -> None:
        self._turn_over(frozenset((each.topic, each.partition) for each in given))
        self.assigned.set()
        log.info("partitions.assigned", partitions=sorted(each.partition for each in given))

    def _on_revoke(self, _consumer: Any, taken: list[Any]) -> None:
        self._leaving()
        self._turn_over(frozenset())
        log.info("partitions.revoked", partitions=sorted(each.partition for each in taken))

    def _on_lost(self, _consumer: Any, taken: list[Any]) -> None:
        self.lost = True
        self._turn_over(frozenset())
        log.warning("partitions.lost", partitions=sorted(each.partition for each in taken))

    def _turn_over(self, partitions: frozenset[Place]) -> None:
        # A pause outlives an assignment: a partition given up paused would stand still when it comes back.
        self.resume()
        self.epoch += 1
        self.partitions = partitions
        self._read_to = {}


def properties(connection: Connection, reading: ConsumerConfig) -> dict[str, Any]:
    """Of librdkafka, for a reader."""
    static = {"group.instance.id": reading.instance_id} if reading.instance_id else {}
    return {
        **connection.kafka(),
        "group.id": reading.group or "unused",
        "session.timeout.ms": SESSION_MS,
        "heartbeat.interval.ms": HEARTBEAT_MS,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest" if reading.from_beginning else "latest",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "check.crcs": True,
        "queued.max.messages.kbytes": LOCAL_QUEUE_KB,
        "fetch.queue.backoff.ms": QUEUE_BACKOFF_MS,
        **static,
    }


def _at_once() -> None:
    """Nobody waits for batches of a reader that is closed."""


def _no_topic(names: Sequence[str]) -> NoTopicError:
    return NoTopicError(f"no topic {', '.join(names)}: run `loanctl topics apply`")
