"""The broker's view of the assigned partitions: committed offsets that are stable, and the ends of the log.

A shell around `confluent_kafka.Consumer`, called inside its rebalance callback. Heartbeats continue meanwhile, and the
group waits as long as `max.poll.interval.ms` (300 s) allows. `streams.kafka.group.start_offsets` decides.

Inside a callback the consumer may be asked for offsets and ends alone. Its other blocking calls (`list_topics`, `poll`,
`consume`) clear the binding's record of the outer call, and the next callback of that call, such as the error that
fences a second member, then aborts the process: `CallState_get: Assertion cs != NULL` (confluent-kafka 2.16).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.kafka.group.consumer_config import ConsumerConfig, ConsumerHooks
from streams.kafka.group.start_offsets import Extent, LostOffsetsError, Start, start_of
from streams.kafka.kafka_errors import (
    CLIENT_FAULTS,
    ReadingError,
    UnstableOffsetsError,
    assigned_fault,
    error_of,
    reading_fault,
)

ASK_S: Final = 10.0
STABLE_S: Final = 60.0
"""An offset is unstable until the open transaction of a dead worker is aborted: 15 s, and up to 10 s more until the
broker looks. Beyond that a new consumer asks again."""
OPEN_S: Final = 25.0
"""No transaction of this project is open for longer: its time-out, and the broker's next check."""
COMMITTED_S: Final = 3.0
"""For one request; a stop takes effect between two."""
STUCK: Final = (
    "no transaction of ours is open for so long: if the broker answers, ask kafka-transactions.sh find-hanging "
    "and see LoanStandstill in the runbook"
)
ASK_AGAIN_S: Final = 0.2
CONFIRM_S: Final = 3.0
"""A leader that has just been elected may show an end that is lower than it will be in a moment."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Assignment:
    """Asks for one consumer."""

    consumer: Any
    reading: ConsumerConfig
    hooks: ConsumerHooks
    partitions: Callable[[str], Sequence[int]]
    """The partitions of a topic, by another client than `consumer`; raises what `starts` does."""

    def starts(self, given: Sequence[TopicPartition]) -> list[Start]:
        """Where reading of these partitions begins; a lost position is logged and reported.

        Raises:
            ReadingError: the broker does not answer in time, or the process is stopping.
            LostOffsetsError: the group lost its place, and the process is configured to stop then.
            SetupError: a person must act.
        """
        committed = self._stable(given)
        known = any(each.offset >= 0 for each in committed)
        anew = not known and bool(committed) and self._worked_before()
        starts = [self._confirm(each, worked_before=anew) for each in committed]
        self._report([start for start in starts if start.loss is not None])
        self._mark([start for start in starts if start.extent.committed is None])
        return starts

    def commit(self, positions: Sequence[TopicPartition]) -> None:
        """Commit, and wait for it; librdkafka's call has no time-out.

        Raises:
            ReadingError: the broker did not take the offsets.
        """
        try:
            self.consumer.commit(offsets=list(positions), asynchronous=False)
        except CLIENT_FAULTS as cause:
            raise assigned_fault(cause, self.reading.description()) from cause

    def _report(self, lost: Sequence[Start]) -> None:
        for start in lost:
            self.hooks.offsets_lost(start)
            log.error("offsets.lost", partition=start.description(), begin=start.offset, records=start.records)
        if lost and self.reading.stop_on_lost_offsets:
            problem = (
                f"group {self.reading.group} lost its place in {'; '.join(start.description() for start in lost)}: "
                "set its offsets (kafka-consumer-groups.sh --reset-offsets), or LOAN_ON_LOST_OFFSETS=continue"
            )
            raise LostOffsetsError(problem)

    def _mark(self, anew: Sequence[Start]) -> None:
        """Commit where a new group begins: from now on, no offset means one that expired."""
        if not anew:
            return
        self.commit([TopicPartition(*start.place, start.offset) for start in anew])

    def _stable(self, given: Sequence[TopicPartition]) -> list[TopicPartition]:
        began, warned = time.monotonic(), False
        while True:
            found, unstable = self._committed_offsets(given)
            if not unstable:
                return found
            waited = time.monotonic() - began
            if waited > STABLE_S:
                raise UnstableOffsetsError(unstable, self.reading.group, self.reading.topics)
            if waited > OPEN_S and not warned:
                warned = True
                log.warning("offsets.stuck", group=self.reading.group, waited_s=round(waited), why=STUCK)
            log.info("offsets.unstable", error=unstable)
            if self.hooks.stopping.wait(ASK_AGAIN_S):
                problem = "stopped before the committed offsets were stable"
                raise ReadingError(problem)

    def _committed_offsets(self, places: Sequence[TopicPartition]) -> tuple[list[TopicPartition], str]:
        """The group's committed offsets, and the error that says that they may be incomplete; empty for none.

        The client asks again by itself while an offset is unstable, so that its own time-out says so, too.
        """
        try:
            found = list(self.consumer.committed(list(places), COMMITTED_S))
        except CLIENT_FAULTS as cause:
            error = error_of(cause)
            if error is None or reading_fault(error, self.reading.description()) is not None:
                raise assigned_fault(cause, self.reading.description()) from cause
            return [], error.name()
        errors = [each.error for each in found if each.error is not None]
        for error in errors:
            passing = reading_fault(error, self.reading.description()) is None
            if not passing and error.code() != KafkaError.UNSTABLE_OFFSET_COMMIT:
                raise assigned_fault(KafkaException(error), self.reading.description())
        return found, errors[0].name() if errors else ""

    def _confirm(self, committed: TopicPartition, *, worked_before: bool) -> Start:
        """The start; one that would read a whole log again, or leave a part of it, only where asking again says so."""
        deadline = time.monotonic() + CONFIRM_S
        while True:
            start = self._start(committed, worked_before=worked_before)
            surely = start.extent.committed is None or start.loss is None
            if surely or time.monotonic() > deadline or self.hooks.stopping.wait(ASK_AGAIN_S):
                return start

    def _start(self, committed: TopicPartition, *, worked_before: bool) -> Start:
        low, high = self._ends(committed.topic, committed.partition)
        extent = Extent(
            committed=committed.offset if committed.offset >= 0 else None,
            low=low,
            high=high,
            metadata=committed.metadata or "",
        )
        place = (committed.topic, committed.partition)
        return start_of(place, extent, worked_before=worked_before, from_beginning=self.reading.from_beginning)

    def _ends(self, topic: str, partition: int) -> tuple[int, int]:
        try:
            ends = self.consumer.get_watermark_offsets(TopicPartition(topic, partition), ASK_S)
        except CLIENT_FAULTS as cause:
            raise assigned_fault(cause, topic) from cause
        if ends is None:
            problem = "no end of a partition in time"
            raise ReadingError(problem)
        low, high = ends
        return low, high

    def _worked_before(self) -> bool:
        """Whether a group that has an offset nowhere has written something."""
        if not self.reading.output_topics or self._committed_elsewhere():
            return False
        return any(
            self._ends(topic, partition)[1] > self._ends(topic, partition)[0]
            for topic in self.reading.output_topics
            for partition in self.partitions(topic)
        )

    def _committed_elsewhere(self) -> bool:
        """Whether the group has an offset in any partition; one that is not stable is one, too."""
        everywhere = [
            TopicPartition(topic, partition) for topic in self.reading.topics for partition in self.partitions(topic)
        ]
        found, unstable = self._committed_offsets(everywhere)
        return bool(unstable) or any(each.offset >= 0 for each in found)
