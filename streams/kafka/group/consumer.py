"""A member of a consumer group: its partitions, the rebalance that assigned them, and its position in each.

The only shell around `confluent_kafka.Consumer` for readers with a group: the worker and the trainer use it through
`streams.kafka.group.batch_reader`, both halves of the drift agent directly. It begins at explicit offsets
(`streams.kafka.group.assignment`), and classifies every error with `streams.kafka.kafka_errors`.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

import structlog
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, TopicPartition

from schemas.records import Partition
from streams.kafka.admin import partitions_of
from streams.kafka.group.assignment import ASK_S, Assignment
from streams.kafka.group.consumer_config import ConsumerConfig, ConsumerHooks, properties
from streams.kafka.kafka_errors import CLIENT_FAULTS, NoTopicError, assigned_fault, raised_fault
from streams.kafka.topics.messages import poll_records
from streams.runtime.hang_guard import GuardedThread, at_most
from streams.runtime.settings import Connection

LAG_EVERY_S: Final = 1.0
COMMIT_S: Final = 8.0
CLOSE_S: Final = 5.0
"""A consumer whose broker is away may hang in its farewell; then its session ends without one."""
SETTLE_S: Final = 2.0
"""For the answer to a join. In a farewell that meets an untaken assignment librdkafka 2.16 waits for a thread that has
ended: for good, and with the interpreter's lock."""

log = structlog.get_logger(__name__)


class GroupConsumer:
    """One consumer, for one thread at a time; `read_to`, `lag` and what was assigned may be asked by any."""

    def __init__(
        self,
        connection: Connection,
        reading: ConsumerConfig,
        hooks: ConsumerHooks | None = None,
        make: Callable[[dict[str, Any]], Any] = Consumer,
    ) -> None:
        """Join the group, or take all partitions where there is none.

        Args:
            connection: broker.
            reading: topics and group.
            hooks: what the owner does at a rebalance.
            make: makes the consumer; for tests.

        Raises:
            NoTopicError: a topic does not exist (without a group; with one, reading raises it).
            ReadingError: no broker answers (without a group).
        """
        self.reading = reading
        self.partitions: frozenset[Partition] = frozenset()
        self.epoch = 0
        """Grows with each rebalance."""
        self.assigned = threading.Event()
        """The group has assigned partitions, possibly none."""
        self.lost = False
        """The group has continued without this member at least once: its session ended."""
        self.lag = 0
        """Records that wait behind what was read, as of the last second."""
        self._measured_at = 0.0
        self._hooks = hooks or ConsumerHooks()
        self._closing = self._rebalancing = False
        self._hand: GuardedThread | None = None
        self._joining = bool(reading.group)
        self._read_to: dict[Partition, int] = {}
        self._starts: dict[Partition, int] = {}
        self._consumer = make(properties(connection, reading))
        self._assignment = Assignment(self._consumer, reading, self._hooks, partial(partitions_of, connection))
        if reading.group:
            self._consumer.subscribe(
                list(reading.topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_loss
            )
        else:
            self._take_all()

    def consume(self, most: int, timeout_s: float) -> list[Any]:
        """Records, and ends of partitions, that have arrived; all of one assignment. Rebalances happen in here.

        Raises:
            NoTopicError, NotAllowedError, LostOffsetsError: a person must act.
            ReadingError: this consumer is fenced or broken.
        """
        self._measure_lag()
        messages = self._consume(1, timeout_s)
        # One message at most, so it came after whatever rebalance that call served.
        epoch = self.epoch
        if messages and most > 1:
            messages += self._consume(most - 1, self.reading.linger_s)
        if epoch != self.epoch:
            self._begin_again()
            return []
        return messages

    def metadata(self) -> Any:
        """The current group metadata: it matches the records read only if the caller is the reading thread."""
        return self._consumer.consumer_group_metadata() if self.reading.group else None

    def read_to(self, topic: str, next_offsets: Mapping[int, int]) -> None:
        """Remember how far was read, for `lag`."""
        self._read_to.update({(topic, partition): offset for partition, offset in next_offsets.items()})

    def seek(self, place: Partition, offset: int) -> None:
        """Read a partition from here on.

        Raises:
            ReadingError: the partition is no longer assigned.
        """
        try:
            self._consumer.seek(TopicPartition(*place, offset))
        except CLIENT_FAULTS as cause:
            raise assigned_fault(cause, place[0]) from cause

    def commit(self, positions: Sequence[TopicPartition]) -> None:
        """Commit, and wait for it; never while another thread is inside of `consume`.

        The binding lets one thread at a time into a consumer (2.16). Others wait, by looking every millisecond: those
        that meet a reader which hardly pauses for seconds, those that meet a rebalance's callback until it ends. And a
        call that hangs, as a commit can while its coordinator is away, keeps all others out.

        Raises:
            ReadingError: the broker did not take the offsets.
            HungError: no answer came in time; this consumer is of no use any more.
        """
        if self._rebalancing:
            # A guard's thread would wait for the end of the callback that waits for it.
            self._assignment.commit(positions)
            return
        if self._hand is None:
            self._hand = GuardedThread("commits")
        self._hand.do(lambda: self._assignment.commit(positions), COMMIT_S)

    def pause(self, places: Collection[Partition] | None = None) -> None:
        """Fetch nothing for a while, of these partitions or of all, and stay a member."""
        with suppress(KafkaException):
            self._consumer.pause(self._places(places))

    def resume(self, places: Collection[Partition] | None = None) -> None:
        """Fetch again."""
        with suppress(KafkaException):
            self._consumer.resume(self._places(places))

    def close(self) -> None:
        """Leave. A static member's partitions wait for it until its session ends."""
        self._closing = True
        if self._hand is not None:
            self._hand.close()
        at_most(self._close_consumer, CLOSE_S, "leaving")

    def _close_consumer(self) -> None:
        until = time.monotonic() + SETTLE_S
        with suppress(*CLIENT_FAULTS):
            while self._joining and time.monotonic() < until:
                self._consumer.consume(1, SETTLE_S / 20)
            self._remember_member()
        with suppress(*CLIENT_FAULTS):
            self._consumer.close()

    def _places(self, places: Collection[Partition] | None) -> list[TopicPartition]:
        return [TopicPartition(*place) for place in sorted(self.partitions if places is None else places)]

    def _consume(self, most: int, timeout_s: float) -> list[Any]:
        messages = poll_records(self._consumer, most, timeout_s, self.reading.topics, self.reading.group)
        # All that has an error here is an end of a partition.
        for message in [message for message in messages if message.error() is not None]:
            # The end in offsets, including transaction markers, which no record would show.
            self._read_to[message.topic(), message.partition()] = message.offset()
        return messages

    def _begin_again(self) -> None:
        # Some was read before the partitions changed hands and some after, and nobody can tell which.
        if self.partitions:
            self._consumer.assign([TopicPartition(*place, self._starts[place]) for place in sorted(self.partitions)])

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

    def _take_all(self) -> None:
        try:
            known = {topic: self._consumer.list_topics(topic, ASK_S).topics[topic] for topic in self.reading.topics}
        except CLIENT_FAULTS as cause:
            raise raised_fault(cause, ", ".join(self.reading.topics)) from cause
        missing = [name for name, topic in known.items() if not topic.partitions]
        if missing:
            raise NoTopicError.of(", ".join(missing))
        self.partitions = frozenset((name, partition) for name in known for partition in known[name].partitions)
        start = OFFSET_BEGINNING if self.reading.from_beginning else OFFSET_END
        self._consumer.assign([TopicPartition(*place, start) for place in sorted(self.partitions)])
        self.assigned.set()

    def _on_assign(self, consumer: Any, given: list[Any]) -> None:
        self._joining = False
        if self._closing:
            # It was in flight, and will not be read.
            return
        starts = self._assignment.starts(given)
        elsewhere = self._hooks.begin(starts)
        self._turn_over(frozenset(start.place for start in starts))
        self._starts = {start.place: elsewhere.get(start.place, start.offset) for start in starts}
        consumer.assign([TopicPartition(*place, offset) for place, offset in sorted(self._starts.items())])
        self.assigned.set()
        self._remember_member()
        log.info("partitions.assigned", partitions=_names(given))

    def _remember_member(self) -> None:
        if member := self._consumer.memberid():
            self._hooks.joined(member)

    def _on_revoke(self, _consumer: Any, taken: list[Any]) -> None:
        if not self._closing:
            self._rebalancing = True
            try:
                self._hooks.leaving()
            finally:
                self._rebalancing = False
        self._give_up(taken)
        log.info("partitions.revoked", partitions=_names(taken))

    def _on_loss(self, _consumer: Any, taken: list[Any]) -> None:
        self.lost = True
        self._give_up(taken)
        log.warning("partitions.lost", partitions=_names(taken))

    def _give_up(self, taken: Sequence[Any]) -> None:
        self._joining = True
        self._turn_over(frozenset())
        self._starts = {}
        self._hooks.left(frozenset((each.topic, each.partition) for each in taken))

    def _turn_over(self, partitions: frozenset[Partition]) -> None:
        # A pause outlives an assignment: a partition given up paused would stand still when it comes back.
        self.resume()
        self.epoch += 1
        self.partitions = partitions
        self._read_to = {}


def _names(places: Sequence[Any]) -> list[str]:
    return sorted(f"{each.topic}-{each.partition}" for each in places)
