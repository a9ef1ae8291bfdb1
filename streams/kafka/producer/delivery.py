"""Delivery of answers, and of the offsets of what they answer, so that a crash leaves neither gap nor duplicate.

`exactly_once`: one Kafka transaction contains a batch's answers and its offsets. `at_least_once`: offsets
are committed after every answer is acknowledged; after a crash in between, the same bytes are sent again.

Every failure is handled in the same way: the failed client is discarded, and work begins again from the committed
offsets, as after `kill -9`. After a timeout it is unknown whether a transaction was committed, so
a batch is never retried from memory.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Protocol

from confluent_kafka import KafkaException, Producer

from schemas.records import OutgoingRecord
from streams.kafka.group.batch_reader import ReadBatch, Reader
from streams.kafka.group.consumer_config import nothing
from streams.kafka.producer.transactions import (
    CALL_S,
    DeliveryError,
    Failure,
    RecordFailures,
    TransactionalProducer,
    discard,
    enqueue,
    failed_delivery,
    producer_properties,
)
from streams.runtime.settings import Connection


class Mode(StrEnum):
    """The delivery guarantee: the possible effect of a crash."""

    EXACTLY_ONCE = "exactly_once"
    AT_LEAST_ONCE = "at_least_once"


class Delivery(Protocol):
    """A way to deliver. Used from one thread."""

    def open(self) -> None:
        """Be ready to deliver; ends what a predecessor of the same name left open.

        Raises:
            DeliveryError: the broker is away.
        """

    def deliver(self, answers: Sequence[OutgoingRecord], batch: ReadBatch, reader: Reader) -> None:
        """Deliver all of a batch, and commit it.

        Raises:
            StaleBatchError: a rebalance came since the batch was read; nothing was sent.
            CommitGapError: a batch read before this one is not committed; nothing was sent.
            RefusedBatchError: the broker will not take a record of it; nothing was delivered.
            OutageError: it is not known to be delivered; this delivery is of no use any more.
            SetupError: a topic does not exist, or must not be written.
        """

    def close(self) -> None:
        """Let go, without waiting for anything."""


class ExactlyOnce:
    """A transaction for each batch.

    Readers must be static members: a member that was thrown out then cannot commit, whereas the
    broker takes transactional offsets without a member's name from anyone.
    """

    def __init__(
        self,
        connection: Connection,
        name: str,
        make: Callable[[dict[str, Any]], Any] = Producer,
        opened: Callable[[TransactionalProducer], object] = nothing,
    ) -> None:
        """Connects nothing yet.

        Args:
            name: the transactional id, of one living worker only; the same after its restart.
            make: makes the producer; for tests.
            opened: as of `TransactionalProducer`.
        """
        self._producer = TransactionalProducer(connection, name, make, opened)

    def open(self) -> None:
        """As `Delivery.open`."""
        self._producer.open()

    def deliver(self, answers: Sequence[OutgoingRecord], batch: ReadBatch, reader: Reader) -> None:
        """As `Delivery.deliver`; the batch's own offsets go under the metadata of when it was read."""
        reader.require_next(batch)
        self._producer.commit(answers, batch.positions(), batch.metadata)
        reader.acknowledge(batch)

    def close(self) -> None:
        """As `Delivery.close`."""
        self._producer.close()


class AtLeastOnce:
    """Acknowledged answers first, offsets after them."""

    def __init__(self, connection: Connection, make: Callable[[dict[str, Any]], Any] = Producer) -> None:
        """Connects nothing yet."""
        self._failures = RecordFailures()
        self._properties = producer_properties(
            connection,
            {"linger.ms": 0, "delivery.timeout.ms": round(CALL_S * 1000), "on_delivery": self._failures.note},
        )
        self._make = make
        self._producer: Any = None

    def open(self) -> None:
        """As `Delivery.open`."""
        self._failures.found.clear()
        self._producer = self._make(self._properties)

    def deliver(self, answers: Sequence[OutgoingRecord], batch: ReadBatch, reader: Reader) -> None:
        """As `Delivery.deliver`."""
        reader.require_next(batch)
        try:
            enqueue(self._producer, answers)
        except KafkaException as cause:
            raise failed_delivery([Failure(cause.args[0], _topics(answers))]) from cause
        left = self._producer.flush(CALL_S)
        if self._failures.found:
            raise failed_delivery(self._failures.found)
        if left:
            problem = "timed out"
            raise DeliveryError(problem)
        reader.commit(batch)

    def close(self) -> None:
        """As `Delivery.close`."""
        discard(self._producer)
        self._producer = None


def _topics(answers: Sequence[OutgoingRecord]) -> str:
    return ", ".join(sorted({answer.topic for answer in answers}))


def delivery_of(
    mode: Mode, connection: Connection, name: str, opened: Callable[[TransactionalProducer], object] = nothing
) -> Delivery:
    """The delivery of this mode, not open yet; `opened` as of `TransactionalProducer`, where there is one."""
    if mode is Mode.EXACTLY_ONCE:
        return ExactlyOnce(connection, name, opened=opened)
    return AtLeastOnce(connection)
