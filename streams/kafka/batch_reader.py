"""Records read from Kafka in batches that form themselves: what has arrived is taken at once, up to a bound.

Used in a plain loop (`read`, work, `commit`), or by a thread that feeds a Faust channel (`streams.worker.data_plane`).
Three things here keep a record from being answered twice or never, and each was measured:

- a batch carries the group metadata *of when it was read*. Taken at commit time, a batch read before
  a rebalance would be committed under the new generation;
- a batch carries its *own* offsets, its last ones plus one. `position()` runs ahead of what is answered;
- a batch read before a rebalance is stale after it (`is_current`): whoever owns its partitions now
  reads them again from what was committed.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from schemas.errors import OutageError
from schemas.records import RecordBatch
from streams.kafka.consumer import ConsumerConfig, GroupConsumer, Place
from streams.kafka.errors import ReadingError
from streams.runtime.settings import Connection

__all__ = ["ConsumerConfig", "ReadBatch", "Reader", "ReadingError", "StaleBatchError"]


class StaleBatchError(OutageError):
    """The batch was read before a rebalance: it is someone else's now, and must not be committed."""


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """Records of one topic with all that committing them needs."""

    records: RecordBatch
    metadata: Any
    """The consumer group's, of the moment when the records were read; None without a group."""
    next_offsets: Mapping[int, int]
    """By partition: the last offset of this batch plus one."""
    epoch: int
    """The rebalance after which it was read."""
    number: int = -1
    """Counts the batches that one reader handed over, without gaps."""

    def positions(self) -> list[TopicPartition]:
        """What to commit."""
        topic = self.records.topic
        return [TopicPartition(topic, partition, offset) for partition, offset in self.next_offsets.items()]


class Reader:
    """Reads batches. One thread reads; any thread may say `done` or `commit`."""

    def __init__(
        self, connection: Connection, reading: ConsumerConfig, make: Callable[[dict[str, Any]], Any] = Consumer
    ) -> None:
        """Join the group.

        Args:
            make: makes the consumer; for tests.

        Raises:
            NoTopicError, ReadingError: as `GroupConsumer` does.
        """
        self._held: set[int] = set()
        self._changed = threading.Condition()
        self._formed: deque[ReadBatch] = deque()
        self._handed = 0
        self._paused = False
        self._reading = reading
        self._membership = GroupConsumer(connection, reading, self._drain, make)

    @property
    def assigned(self) -> bool:
        """Whether the group has told us our partitions, be they none."""
        return self._membership.assigned.is_set()

    @property
    def partitions(self) -> frozenset[Place]:
        """Topic and partition of each we own."""
        return self._membership.partitions

    @property
    def lost(self) -> bool:
        """Whether our session ended and the group went on without us: time for a new reader, and a new producer."""
        return self._membership.lost

    def read(self, timeout_s: float = 0.1) -> ReadBatch | None:
        """The next batch; None where nothing came in time, or as many are in flight as may be.

        To be called often: membership and rebalances live on it.

        Raises:
            SetupError: a topic is not there, or not ours to read.
            ReadingError: this consumer is fenced or broken; open a new reader.
        """
        if self._has_room(timeout_s):
            self._go_on()
        else:
            self._stand_still()
        if self._paused or not self._formed:
            self._gather(0.0 if self._paused else timeout_s)
        return None if self._paused else self._handed_over()

    def batches(self, stop: threading.Event) -> Iterator[ReadBatch]:
        """Batches until told to stop; for plain loops."""
        while not stop.is_set():
            batch = self.read()
            if batch is not None:
                yield batch

    def is_current(self, batch: ReadBatch) -> bool:
        """Whether the batch is still ours to answer: no rebalance came since it was read."""
        return batch.epoch == self._membership.epoch

    def done(self, batch: ReadBatch) -> None:
        """The batch is answered, or dropped: there is room for another."""
        with self._changed:
            self._held.discard(batch.number)
            self._changed.notify_all()

    def commit(self, batch: ReadBatch) -> None:
        """Commit the batch's own offsets and be done with it; for work that is not in a transaction.

        Raises:
            StaleBatchError: a rebalance came since it was read.
            ReadingError: the broker did not take the offsets.
        """
        try:
            if not self.is_current(batch):
                raise StaleBatchError
            self._membership.commit(batch.positions())
        finally:
            self.done(batch)

    def lag(self) -> int:
        """Records that wait behind what was read, as of the last second."""
        return self._membership.lag

    def close(self) -> None:
        """Stop reading, without waiting for batches in flight."""
        self._membership.close()

    def _gather(self, timeout_s: float) -> None:
        messages = self._membership.consume(1, timeout_s)
        # One message at most, so it came after whatever rebalance that call served.
        epoch = self._membership.epoch
        if messages and self._reading.most_records > 1:
            messages += self._membership.consume(self._reading.most_records - 1, 0)
        if epoch != self._membership.epoch:
            # Nobody can tell which of these are ours still, and dropping those that are would lose them.
            problem = "a rebalance came amid a batch"
            raise ReadingError(problem)
        if messages:
            self._form(messages)

    def _form(self, messages: list[Any]) -> None:
        metadata = self._membership.metadata()
        for topic, its in self._by_topic(messages).items():
            records = records_of(topic, its)
            # In one partition offsets rise, so the last one of each stands.
            last = dict(zip(records.partitions, records.offsets, strict=True))
            following = {partition: offset + 1 for partition, offset in last.items()}
            self._membership.read_to(topic, following)
            self._formed.append(ReadBatch(records, metadata, following, self._membership.epoch))

    def _by_topic(self, messages: list[Any]) -> Mapping[str, list[Any]]:
        if len(self._reading.topics) == 1:
            return {self._reading.topics[0]: messages}
        topics: dict[str, list[Any]] = {}
        for message in messages:
            topics.setdefault(message.topic(), []).append(message)
        return topics

    def _handed_over(self) -> ReadBatch | None:
        while self._formed and not self.is_current(self._formed[0]):
            self._formed.popleft()
        if not self._formed:
            return None
        batch = replace(self._formed.popleft(), number=self._handed)
        self._handed += 1
        with self._changed:
            self._held.add(batch.number)
        return batch

    def _has_room(self, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self._held) < self._reading.in_flight, timeout_s)

    def _stand_still(self) -> None:
        # Asked each time: what a rebalance gave us in between is not paused.
        self._membership.pause()
        self._paused = True

    def _go_on(self) -> None:
        if self._paused:
            self._membership.resume()
            self._paused = False

    def _drain(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._held, self._reading.drain_s)


def records_of(topic: str, messages: list[Any]) -> RecordBatch:
    """Columns of what a consumer gave us."""
    return RecordBatch(
        topic=topic,
        keys=[message.key() for message in messages],
        values=[message.value() for message in messages],
        partitions=[message.partition() for message in messages],
        offsets=[message.offset() for message in messages],
        timestamps=[message.timestamp()[1] for message in messages],
        headers=[tuple(message.headers() or ()) for message in messages],
    )
