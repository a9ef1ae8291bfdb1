"""Record batches from Kafka: each takes at once what has arrived, up to a limit.

Used in a plain loop (`read`, work, `commit`), or by a thread that feeds a Faust channel (`streams.worker.data_plane`).
Four properties prevent that a record is answered twice or never; each was measured:

- a batch carries the group metadata *of when it was read*. With the metadata of commit time, a batch read before
  a rebalance would be committed under the new generation;
- a batch carries its *own* offsets, its last ones plus one. `position()` runs ahead of what is answered;
- a batch read before a rebalance is stale after it (`is_current`): the new owner of its partitions
  reads them again from the committed offsets;
- a batch knows where its reading began (`first_offsets`), and none is committed before the one read before it
  (`CommitOrder`), whatever happens between reading and delivery.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Final

from confluent_kafka import Consumer

from schemas.records import Partition
from streams.kafka.group.consumer import GroupConsumer
from streams.kafka.group.consumer_config import ConsumerConfig, ConsumerHooks, nothing
from streams.kafka.group.read_batch import CommitGapError, ReadBatch, StaleBatchError, records_of
from streams.kafka.group.start_offsets import CommitOrder, Start
from streams.kafka.kafka_errors import ReadingError
from streams.runtime.hang_guard import HungError
from streams.runtime.settings import Connection

__all__ = ["CommitGapError", "ConsumerConfig", "ReadBatch", "Reader", "ReadingError", "StaleBatchError", "records_of"]

COMMITTED_S: Final = 20.0
"""For a commit: the rest of a read, a rebalance's drain, and the commit itself."""
LOOK_S: Final = 0.005


class Reader:
    """Reads batches. One thread reads; any thread may say `release` or `commit`."""

    def __init__(  # noqa: PLR0913 - the last three are hooks, given by name
        self,
        connection: Connection,
        reading: ConsumerConfig,
        make: Callable[[dict[str, Any]], Any] = Consumer,
        *,
        offsets_lost: Callable[[Start], object] = lambda _start: None,
        joined: Callable[[str], object] = nothing,
        stopping: threading.Event | None = None,
    ) -> None:
        """Join the group.

        Args:
            connection: broker.
            reading: topics and group.
            make: makes the consumer; for tests.
            offsets_lost: called where the group lost its place in a partition.
            joined: called with this member's id in the group.
            stopping: ends a wait inside a rebalance.

        Raises:
            NoTopicError, ReadingError: as `GroupConsumer` does.
        """
        self._held: set[int] = set()
        self._changed = threading.Condition()
        self._formed: deque[ReadBatch] = deque()
        self._handed = 0
        self._paused = False
        self._reading = reading
        self._order = CommitOrder()
        self._formed_to: dict[Partition, int] = {}
        """Position of each partition: the end of its last batch, or the start of reading."""
        hooks = ConsumerHooks(
            leaving=self._drain,
            begin=self._begin,
            offsets_lost=offsets_lost,
            joined=joined,
            stopping=stopping or threading.Event(),
        )
        self._client = threading.Lock()
        """Of the thread that uses the consumer."""
        self._commits: deque[tuple[ReadBatch, Future[None]]] = deque()
        """Asked for, and made by whichever thread uses the consumer."""
        self._hung: HungError | None = None
        self._membership = GroupConsumer(connection, reading, hooks, make)

    @property
    def assigned(self) -> bool:
        """True once the group has assigned partitions, possibly none."""
        return self._membership.assigned.is_set()

    @property
    def partitions(self) -> frozenset[Partition]:
        """Topic and partition of each owned partition."""
        return self._membership.partitions

    @property
    def lost(self) -> bool:
        """True if this member's session ended and the group has continued: a new reader and producer are needed."""
        return self._membership.lost

    def read(self, timeout_s: float = 0.1) -> ReadBatch | None:
        """The next batch; None where nothing came in time, or as many are in flight as may be.

        To be called often: membership and rebalances live on it.

        Raises:
            SetupError: a topic does not exist, or must not be read.
            ReadingError: this consumer is fenced or broken; open a new reader.
            HungError: a commit got no answer; the same.
        """
        room = self._has_room(timeout_s)
        with self._client:
            self._serve_commits()
            if room:
                self._go_on()
            else:
                self._stand_still()
            if self._paused or not self._formed:
                self._gather(0.0 if self._paused else timeout_s)
            self._serve_commits()
        return None if self._paused else self._hand_over()

    def batches(self, stop: threading.Event) -> Iterator[ReadBatch]:
        """Batches until a stop is requested; for plain loops."""
        while not stop.is_set():
            batch = self.read()
            if batch is not None:
                yield batch

    def is_current(self, batch: ReadBatch) -> bool:
        """True if this member may still answer the batch: no rebalance has happened since it was read."""
        return batch.epoch == self._membership.epoch

    def release(self, batch: ReadBatch) -> None:
        """The batch is answered, or dropped: there is room for another."""
        with self._changed:
            self._held.discard(batch.number)
            self._changed.notify_all()

    def require_next(self, batch: ReadBatch) -> None:
        """Refuse a batch that must not be committed now.

        Raises:
            StaleBatchError: a rebalance came since it was read.
            CommitGapError: reading of it began elsewhere than where this session's last commit ended.
        """
        with self._changed:
            if not self.is_current(batch):
                raise StaleBatchError
            if not self._order.follows(batch.records.topic, batch.first_offsets):
                problem = f"batch {batch.number} of {batch.records.topic} does not follow what was committed"
                raise CommitGapError(problem)

    def acknowledge(self, batch: ReadBatch) -> None:
        """The batch is committed, in the caller's transaction; there is room for another."""
        with self._changed:
            if self.is_current(batch):
                self._order.advance(batch.records.topic, batch.next_offsets)
        self.release(batch)

    def commit(self, batch: ReadBatch) -> None:
        """Commit the batch's own offsets and be done with it; for work that is not in a transaction.

        A commit that meets a read, or the drain of a rebalance, is made by the thread that reads.

        Raises:
            StaleBatchError: a rebalance came since it was read.
            CommitGapError: a batch read before it is not committed.
            ReadingError: the broker did not take the offsets.
            HungError: no answer came in time.
        """
        done: Future[None] = Future()
        with self._changed:
            self._commits.append((batch, done))
            self._changed.notify_all()
        until = time.monotonic() + COMMITTED_S
        while not done.done():
            if time.monotonic() > until:
                problem = f"no commit within {COMMITTED_S:g} s"
                raise HungError(problem)
            if self._client.acquire(timeout=LOOK_S):
                try:
                    self._serve_commits()
                finally:
                    self._client.release()
        done.result()

    def lag(self) -> int:
        """Records that wait behind what was read, as of the last second."""
        return self._membership.lag

    def close(self) -> None:
        """Stop reading, without waiting for batches in flight."""
        self._membership.close()

    def _serve_commits(self) -> None:
        """In the thread that uses the consumer."""
        if self._hung is not None:
            raise self._hung
        while self._commits and self._hung is None:
            batch, done = self._commits.popleft()
            try:
                self._commit(batch)
            except BaseException as fault:  # noqa: BLE001 - handed to who asked
                done.set_exception(fault)
            else:
                done.set_result(None)

    def _commit(self, batch: ReadBatch) -> None:
        try:
            self.require_next(batch)
            self._membership.commit(batch.positions())
            self.acknowledge(batch)
        except HungError as fault:
            # Whatever uses this consumer now hangs as well.
            self._hung = fault
            raise
        finally:
            self.release(batch)

    def _gather(self, timeout_s: float) -> None:
        messages = self._membership.consume(self._reading.most_records, timeout_s)
        records = [message for message in messages if message.error() is None]
        if records:
            self._form(records)

    def _form(self, messages: list[Any]) -> None:
        metadata, epoch = self._membership.metadata(), self._membership.epoch
        for topic, its in self._by_topic(messages).items():
            records = records_of(topic, its)
            # In one partition offsets rise, so the last one of each counts.
            last = dict(zip(records.partitions, records.offsets, strict=True))
            following = {partition: offset + 1 for partition, offset in last.items()}
            first = {partition: self._formed_to.get((topic, partition), 0) for partition in following}
            self._formed_to.update({(topic, partition): offset for partition, offset in following.items()})
            self._membership.read_to(topic, following)
            self._formed.append(ReadBatch(records, metadata, first, following, epoch))

    def _begin(self, starts: Sequence[Start]) -> Mapping[Partition, int]:
        offsets = {start.place: start.offset for start in starts}
        with self._changed:
            self._order.begin(offsets)
            self._formed_to = offsets
        return {}

    def _by_topic(self, messages: list[Any]) -> Mapping[str, list[Any]]:
        if len(self._reading.topics) == 1:
            return {self._reading.topics[0]: messages}
        topics: dict[str, list[Any]] = {}
        for message in messages:
            topics.setdefault(message.topic(), []).append(message)
        return topics

    def _hand_over(self) -> ReadBatch | None:
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
        until = time.monotonic() + self._reading.drain_s
        while self._held and (left := until - time.monotonic()) > 0:
            with self._changed:
                self._changed.wait_for(lambda: self._commits or not self._held, left)
            self._serve_commits()
