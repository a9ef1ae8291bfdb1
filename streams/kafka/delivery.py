"""Answers onto their topics, and the offsets of what they answer, so that a crash leaves neither gap nor double.

`exactly_once`: one Kafka transaction holds a batch's answers and its offsets. `at_least_once`: offsets
are committed after every answer is acknowledged; a crash in between answers again with the same bytes.

One road back for every failure: whoever failed is thrown away, and work begins again from what was
committed, as after `kill -9`. After a timeout nobody knows whether a transaction was committed, so
a batch is never retried from memory.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final, Protocol

from confluent_kafka import KafkaError, KafkaException, Producer

from schemas.errors import OutageError
from schemas.records import OutgoingRecord
from streams.kafka.batch_reader import ReadBatch, Reader
from streams.runtime.settings import Connection
from streams.runtime.timeouts import GuardedThread, HungError, at_most

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
"""What a broker says of a record that it will not take, however often it is sent."""
FULL_QUEUE_S: Final = 0.05


class Mode(StrEnum):
    """What a crash may cost."""

    EXACTLY_ONCE = "exactly_once"
    AT_LEAST_ONCE = "at_least_once"


class DeliveryError(OutageError):
    """A batch was not delivered, or nobody knows: begin again from what was committed."""


class RefusedBatchError(DeliveryError):
    """The broker will not take a record of the batch: too large for its topic, or not as the topic wants records."""


class Delivery(Protocol):
    """A way to deliver. Used from one thread."""

    def open(self) -> None:
        """Be ready to deliver; puts an end to what a predecessor of our name left open.

        Raises:
            DeliveryError: the broker is away.
        """

    def deliver(self, answers: Sequence[OutgoingRecord], batch: ReadBatch, reader: Reader) -> None:
        """Deliver all of a batch, and commit it.

        Raises:
            OutageError: it is not known to be delivered; this delivery is of no use any more.
        """

    def close(self) -> None:
        """Let go, without waiting for anything."""


class ExactlyOnce:
    """A transaction for each batch.

    Readers must be static members: a member that was thrown out then cannot commit, whereas the
    broker takes transactional offsets without a member's name from anyone.
    """

    def __init__(self, connection: Connection, name: str, make: Callable[[dict[str, Any]], Any] = Producer) -> None:
        """Connects nothing yet.

        Args:
            name: the transactional id, of one living worker only; the same after its restart.
            make: makes the producer; for tests.
        """
        self._properties = {
            **producing(connection),
            "transactional.id": name,
            "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
            "retry.backoff.ms": RETRY_BACKOFF_MS,
            "on_delivery": self._reported,
        }
        self._failed: list[KafkaError] = []
        """Of records: the transaction's own error may only say that there was one."""
        self._make = make
        self._producer: Any = None
        self._hand: GuardedThread | None = None

    def open(self) -> None:
        """As `Delivery.open`."""
        self._failed.clear()
        self._producer = self._make(self._properties)
        self._hand = GuardedThread("transactions")
        self._tried(lambda: self._producer.init_transactions(CALL_S))

    def deliver(self, answers: Sequence[OutgoingRecord], batch: ReadBatch, reader: Reader) -> None:
        """As `Delivery.deliver`; the batch's own offsets go under the metadata of when it was read."""
        self._tried(lambda: self._transaction(answers, batch))
        reader.done(batch)

    def close(self) -> None:
        """As `Delivery.close`."""
        if self._hand is not None:
            self._hand.close()
        discard(self._producer)
        self._producer = None

    def _transaction(self, answers: Sequence[OutgoingRecord], batch: ReadBatch) -> None:
        self._producer.begin_transaction()
        enqueue(self._producer, answers)
        self._producer.send_offsets_to_transaction(batch.positions(), batch.metadata, CALL_S)
        self._producer.commit_transaction(CALL_S)

    def _tried(self, act: Callable[[], None]) -> None:
        assert self._hand is not None  # noqa: S101 - opened before it is used
        try:
            self._hand.do(act, WHOLE_S)
        except KafkaException as cause:
            error = cause.args[0]
            if error.txn_requires_abort():
                with suppress(KafkaException, HungError):
                    self._hand.do(lambda: self._producer.abort_transaction(ABORT_S), 2 * ABORT_S)
            raise delivery_error([error, *self._failed]) from cause

    def _reported(self, error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            self._failed.append(error)


class AtLeastOnce:
    """Acknowledged answers first, offsets after them."""

    def __init__(self, connection: Connection, make: Callable[[dict[str, Any]], Any] = Producer) -> None:
        """Connects nothing yet."""
        self._failed: list[KafkaError] = []
        self._properties = {
            **producing(connection),
            "linger.ms": 0,
            "delivery.timeout.ms": round(CALL_S * 1000),
            "on_delivery": self._reported,
        }
        self._make = make
        self._producer: Any = None

    def open(self) -> None:
        """As `Delivery.open`."""
        self._failed.clear()
        self._producer = self._make(self._properties)

    def deliver(self, answers: Sequence[OutgoingRecord], batch: ReadBatch, reader: Reader) -> None:
        """As `Delivery.deliver`."""
        try:
            enqueue(self._producer, answers)
        except KafkaException as cause:
            raise delivery_error(cause.args) from cause
        left = self._producer.flush(CALL_S)
        if self._failed:
            raise delivery_error(self._failed)
        if left:
            problem = "timed out"
            raise DeliveryError(problem)
        reader.commit(batch)

    def close(self) -> None:
        """As `Delivery.close`."""
        discard(self._producer)
        self._producer = None

    def _reported(self, error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            self._failed.append(error)


def delivery_of(mode: Mode, connection: Connection, name: str) -> Delivery:
    """The delivery of this mode, not open yet."""
    return ExactlyOnce(connection, name) if mode is Mode.EXACTLY_ONCE else AtLeastOnce(connection)


def producing(connection: Connection) -> dict[str, Any]:
    """Properties of librdkafka, for answers."""
    return {
        **connection.kafka(),
        "acks": "all",
        "enable.idempotence": True,
        "message.max.bytes": MOST_BYTES,
        "compression.type": "lz4",
        # Failures alone: a callback into Python for each answer would cost as much as producing it.
        "delivery.report.only.error": True,
    }


def enqueue(producer: Any, answers: Sequence[OutgoingRecord]) -> None:
    """Hand all answers to the client; waits where its queue is full."""
    produce = producer.produce
    for answer in answers:
        while True:
            try:
                produce(answer.topic, value=answer.value, key=answer.key, headers=list(answer.headers))
            except BufferError:
                producer.poll(FULL_QUEUE_S)
            else:
                break


def discard(producer: Any) -> None:
    """Throw a producer away with all it holds. One that hangs is left behind: its successor has fenced it."""

    def thrown_away() -> None:
        with suppress(KafkaException, RuntimeError):
            producer.purge()
            producer.close()

    if producer is not None:
        at_most(thrown_away, ABORT_S, "discard")


def delivery_error(errors: Sequence[KafkaError]) -> DeliveryError:
    """What became of a batch; a record that was refused outweighs what followed from it."""
    refused = [error for error in errors if error.code() in REFUSED]
    return RefusedBatchError(refused[0].name()) if refused else DeliveryError(errors[0].name())
