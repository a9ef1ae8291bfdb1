"""Records and consumer offsets in one Kafka transaction: the only transactional producer, guarded against hangs.

A thread that can be abandoned (`streams.runtime.hang_guard`) makes each call into librdkafka. Every failure is handled
in the same way: the producer is discarded, and work begins again from the committed offsets, as after `kill -9`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from schemas.errors import OutageError, SetupError
from schemas.records import OutgoingRecord, Partition
from streams.kafka.group.consumer_config import nothing
from streams.kafka.kafka_errors import FENCED, FencedError, delivery_fault, error_of
from streams.runtime.hang_guard import GuardedThread, HungError, at_most
from streams.runtime.settings import Connection

TRANSACTION_TIMEOUT_MS: Final = 15_000
"""An open transaction of a dead worker hides later records from readers for so long at most."""
RETRY_BACKOFF_MS: Final = 5
"""The broker answers CONCURRENT_TRANSACTIONS until the last markers are written; librdkafka's default of 100 ms
between attempts would be most of a decision's latency."""
CALL_S: Final = 8.0
"""For one transaction call."""
WHOLE_S: Final = 14.0
"""For a whole transaction, whatever librdkafka makes of its calls' time-outs: less than the broker's own."""
ABORT_S: Final = 2.0
MOST_BYTES: Final = 1_040_000
"""A broker takes 1,048,588 bytes in a batch by default, its framing included."""
REFUSED: Final = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD, KafkaError.INVALID_MSG_SIZE})
"""A broker's errors for a record that it never accepts, however often it is sent."""
FULL_QUEUE_S: Final = 0.05
ABORTED: Final = b"aborted"
"""Key of the records of an aborted transaction: a compacted topic takes none without."""


class DeliveryError(OutageError):
    """A batch was not delivered, or this is unknown: begin again from the committed offsets."""


class RefusedBatchError(DeliveryError):
    """The broker will not take a record of the batch: too large for its topic, or not as the topic wants records."""


class FencedDeliveryError(DeliveryError, FencedError):
    """Another producer has this transactional id, or had it; nothing was delivered, or this is unknown."""


class TransactionalProducer:
    """A producer under one transactional id. Used from one thread; each call blocks for `WHOLE_S` at most."""

    def __init__(
        self,
        connection: Connection,
        name: str,
        make: Callable[[dict[str, Any]], Any] = Producer,
        opened: Callable[["TransactionalProducer"], object] = nothing,
    ) -> None:
        """Connects nothing yet.

        Args:
            connection: broker.
            name: the transactional id, of one living process only; the same after its restart.
            make: makes the producer; for tests.
            opened: called with this producer each time that it has opened, before it delivers anything.
        """
        self._name = name
        self._opened = opened
        self._failures = RecordFailures()
        self._properties = producer_properties(
            connection,
            {
                "transactional.id": name,
                "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
                "retry.backoff.ms": RETRY_BACKOFF_MS,
                "on_delivery": self._failures.note,
            },
        )
        self._make = make
        self._producer: Any = None
        self._hand: GuardedThread | None = None

    def open(self) -> None:
        """Be ready to deliver; ends what a predecessor of the same name left open.

        Raises:
            OutageError: the broker is away.
            SetupError: this user may not use the id.
        """
        self._producer = self._make(self._properties)
        self._hand = GuardedThread("transactions")
        try:
            self._guard(lambda: self._producer.init_transactions(CALL_S))
            self._opened(self)
        except BaseException:
            # Whoever asked has nothing to close, and each attempt at a broker that is away would leave a producer.
            self.close()
            raise

    def commit(self, records: Sequence[OutgoingRecord], offsets: Sequence[TopicPartition], metadata: Any) -> None:
        """Records and offsets, all or none.

        Args:
            records: onto their topics; may be empty.
            offsets: what they answer; may be empty.
            metadata: the consumer group's, of when the records behind the offsets were read.

        Raises:
            OutageError: it is unknown whether it was committed; this producer can no longer be used.
            SetupError: a topic does not exist, or must not be written.
        """
        self._failures.found.clear()

        def transaction() -> None:
            self._producer.begin_transaction()
            enqueue(self._producer, records)
            if offsets:
                self._producer.send_offsets_to_transaction(list(offsets), metadata, CALL_S)
            self._producer.commit_transaction(CALL_S)

        self._guard(transaction)

    def abort_in(self, places: Sequence[Partition], offsets: Sequence[TopicPartition], metadata: Any) -> None:
        """A transaction of nothing that is aborted in each of these partitions, and in the group's offsets.

        Args:
            places: each gets a record that no reader of committed records sees.
            offsets: of which none is committed.
            metadata: the consumer group's.

        Raises:
            OutageError: this producer can no longer be used.
            SetupError: a topic does not exist, or must not be written.
        """
        self._failures.found.clear()

        def transaction() -> None:
            self._producer.begin_transaction()
            for topic, partition in places:
                self._producer.produce(topic, key=ABORTED, partition=partition)
            # An abort drops what is not yet sent.
            self._producer.flush(CALL_S)
            self._producer.send_offsets_to_transaction(list(offsets), metadata, CALL_S)
            self._producer.abort_transaction(CALL_S)

        self._guard(transaction)

    def close(self) -> None:
        """Let go, without waiting for anything."""
        if self._hand is not None:
            self._hand.close()
        discard(self._producer)
        self._producer = None

    def _guard(self, act: Callable[[], None]) -> None:
        assert self._hand is not None  # noqa: S101 - opened before it is used
        try:
            self._hand.do(act, WHOLE_S)
        except KafkaException as cause:
            error = error_of(cause)
            if error is None:
                raise DeliveryError(type(cause).__name__) from cause
            # The abort reports every record that it drops, which says nothing of why.
            failures = list(self._failures.found)
            if error.txn_requires_abort():
                with suppress(KafkaException, HungError):
                    self._hand.do(lambda: self._producer.abort_transaction(ABORT_S), 2 * ABORT_S)
            raise failed_delivery([*failures, Failure(error, f"transactional id {self._name}")]) from cause


class Failure(NamedTuple):
    """An error of a client, and the topic or transactional id that it is about."""

    error: KafkaError
    what: str


@dataclass
class RecordFailures:
    """Records that were not delivered. `note` is a client's `on_delivery`."""

    found: list[Failure] = field(default_factory=list)

    def note(self, error: KafkaError | None, message: Any) -> None:
        """Remember a failure."""
        if error is not None:
            self.found.append(Failure(error, message.topic()))


def failed_delivery(failures: Sequence[Failure]) -> OutageError | SetupError:
    """The result of a batch, by who must act; a refused record, then a set-up fault, take precedence."""
    refused = [error for error, _ in failures if error.code() in REFUSED]
    if refused:
        return RefusedBatchError(refused[0].name())
    fenced = any(error.code() in FENCED for error, _ in failures)
    lost = (FencedDeliveryError if fenced else DeliveryError)(failures[0].error.name())
    return next((fault for fault in _faults(failures) if isinstance(fault, SetupError)), lost)


def first_fault(failures: Sequence[Failure]) -> OutageError | SetupError:
    """The meaning of the first failure, with all topics that have the same."""
    return next(_faults(failures))


def _faults(failures: Sequence[Failure]) -> Iterator[OutageError | SetupError]:
    """Of each kind of error, with the topics that have it."""
    for code in dict.fromkeys(error.code() for error, _ in failures):
        alike = [failure for failure in failures if failure.error.code() == code]
        yield delivery_fault(alike[0].error, ", ".join(sorted({failure.what for failure in alike})))


def producer_properties(connection: Connection, own: Mapping[str, Any]) -> dict[str, Any]:
    """Properties of librdkafka, for answers; `own` are those of one delivery mode."""
    return connection.producer(
        {
            "message.max.bytes": MOST_BYTES,
            "compression.type": "lz4",
            # Failures alone: a callback into Python for each answer would cost as much as producing it.
            "delivery.report.only.error": True,
            **own,
        }
    )


def enqueue(producer: Any, records: Sequence[OutgoingRecord]) -> None:
    """Hand all records to the client; waits where its queue is full."""
    produce = producer.produce
    for record in records:
        while True:
            try:
                produce(record.topic, value=record.value, key=record.key, headers=list(record.headers))
            except BufferError:
                producer.poll(FULL_QUEUE_S)
            else:
                break


def discard(producer: Any) -> None:
    """Discard a producer with all it holds. One that hangs is abandoned: its successor has fenced it."""

    def close_producer() -> None:
        with suppress(KafkaException, RuntimeError):
            producer.purge()
            producer.close()

    if producer is not None:
        at_most(close_producer, ABORT_S, "discard")
