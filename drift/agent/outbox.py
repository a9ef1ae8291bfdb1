"""What the agent says, and how far it has read, in one Kafka transaction.

Partial counts go with the positions they were counted up to, reports and commands with the state that
led to them: after a crash neither is there without the other. A position's memory (watermark, horizon)
travels as the metadata of its committed offset, so that Kafka alone is enough to go on.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from confluent_kafka import KafkaException, Producer, TopicPartition

from drift.binning.reference import Reference
from drift.windows.panes import Position
from drift.windows.window import Place
from schemas.event_codec import Event
from schemas.records import OutgoingRecord
from schemas.registry_client import EventSerde
from schemas.topics import Topic
from streams.kafka.delivery import (
    ABORT_S,
    CALL_S,
    RETRY_BACKOFF_MS,
    TRANSACTION_TIMEOUT_MS,
    DeliveryError,
    discard,
    enqueue,
    producing,
)
from streams.kafka.event_publisher import event_headers
from streams.runtime.settings import Connection

SOURCE: Final = "/loan/drift"


class Outbox:
    """A transactional producer of one living agent."""

    def __init__(self, connection: Connection, name: str) -> None:
        """Puts an end to what a predecessor of this name left open.

        Raises:
            DeliveryError: the broker is away.
        """
        self._producer = Producer(
            {
                **producing(connection),
                "transactional.id": name,
                "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
                "retry.backoff.ms": RETRY_BACKOFF_MS,
            }
        )
        self._tried(lambda: self._producer.init_transactions(CALL_S))

    def commit(self, records: Iterable[OutgoingRecord], offsets: Sequence[TopicPartition], metadata: Any) -> None:
        """Records and offsets, all or none.

        Args:
            metadata: the consumer group's, of when the records behind the offsets were read.

        Raises:
            DeliveryError: nobody knows; begin again from what is in Kafka.
        """

        def transaction() -> None:
            self._producer.begin_transaction()
            enqueue(self._producer, list(records))
            if offsets:
                self._producer.send_offsets_to_transaction(list(offsets), metadata, CALL_S)
            self._producer.commit_transaction(CALL_S)

        self._tried(transaction)

    def close(self) -> None:
        """Let go, without waiting."""
        discard(self._producer)

    def _tried(self, act: Callable[[], None]) -> None:
        try:
            act()
        except KafkaException as cause:
            error = cause.args[0]
            if error.txn_requires_abort():
                with suppress(KafkaException):
                    self._producer.abort_transaction(ABORT_S)
            raise DeliveryError(error.name()) from cause


def record_of(topic: Topic, key: str, event: Event, serde: EventSerde[Event]) -> OutgoingRecord:
    """An event as a record, named by its key."""
    return OutgoingRecord(topic.name, key.encode(), serde.encode(event), event_headers(event, key, SOURCE))


def committed(place: Place, position: Position, reference: Reference) -> TopicPartition:
    """A position as an offset to commit, its memory as metadata."""
    memory = {
        "watermark": position.watermark,
        "horizon": position.horizon,
        "floor": position.floor,
        "jumped": position.jumped,
        "flushed": position.flushed,
        "generation": reference.generation,
        "champion": reference.champion_digest,
    }
    return TopicPartition(*place, position.next_offset, metadata=json.dumps(memory))


def position_of(found: TopicPartition, reference: Reference) -> Position:
    """The position that was committed; of another champion's counting, the same place for this one.

    Without metadata, as somebody's tool leaves it who moves offsets, the partition begins anew there.
    """
    if found.offset < 0:
        return Position()
    memory = _memory(found.metadata)
    if memory is None:
        return Position(next_offset=found.offset)
    position = Position(
        next_offset=found.offset,
        watermark=memory["watermark"],
        horizon=memory["horizon"],
        floor=memory["floor"],
        jumped=memory["jumped"],
        flushed=memory.get("flushed", 0),
    )
    # Earlier versions noted the offset of the announcement alone, which no generation equals.
    return position if memory.get("champion") == reference.champion_digest else position.for_successor()


def _memory(metadata: str | None) -> Mapping[str, Any] | None:
    try:
        memory = json.loads(metadata or "")
        return memory if {"watermark", "horizon", "floor", "jumped", "generation"} <= memory.keys() else None
    except (ValueError, AttributeError):
        return None
