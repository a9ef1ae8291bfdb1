"""Submits applications to the topics and collects their decisions.

A shell over `TopicTail` and `EventPublisher`. It takes position at the end of the decisions before it sends the first
application, so that it misses no answer. Used from one thread.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Self

import fastavro

from schemas.codec.event_codec import avro_schema
from schemas.codec.event_decoder import EventDecoder
from schemas.codec.wire_format import frame, schema_ids
from schemas.errors import OutageError
from schemas.events.decisions import LoanDecision
from schemas.records import OutgoingRecord
from schemas.registry_client import WriterSchemas, registered_id
from streams.kafka.producer.event_publisher import EventPublisher
from streams.kafka.topics.skipped_records import SkippedRecords
from streams.kafka.topics.topic_tail import TopicTail
from streams.runtime.settings import Connection

POLL_S: Final = 0.2
MOST: Final = 1_000

Record = Mapping[str, Any]
"""An application as Avro writes it, or a decision as Avro gives it."""


class DecisionTimeoutError(OutageError):
    """Accepted, and not decided in time: the workers are away or far behind."""


@dataclass(frozen=True, slots=True)
class TimedDecision:
    decision: Record
    milliseconds: float
    """From just before its application was sent until it was read."""


class DecisionClient:
    """One client, open for the length of a block."""

    def __init__(self, connection: Connection, source: str) -> None:
        """Connects nothing before the block begins.

        Args:
            source: CloudEvents source of what is sent.
        """
        contract, topics = connection.contract(), connection.topics()
        self._registry, self._contract, self._topics = connection.registry(), contract, topics
        self._schema: Any = fastavro.parse_schema(dict(contract.schema))
        self._tail = TopicTail(connection, {topics.decisions.name: 0})
        self._publisher = EventPublisher(connection, source)
        self._writers = WriterSchemas(self._registry, topics.decisions.name)
        self._decoder = EventDecoder(avro_schema(LoanDecision))
        self._skipped = SkippedRecords()
        self._schema_id = 0

    def __enter__(self) -> Self:
        subject = f"{self._topics.applications.name}-value"
        self._schema_id = registered_id(self._registry, subject, self._contract.schema)
        self._tail.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._tail.close()
        self._publisher.close()

    def decisions(self, records: Sequence[Record], patience_s: float) -> Iterator[TimedDecision]:
        """The decision on each application, as they come.

        Args:
            records: applications with different ids, all sent at once.
            patience_s: without any decision for so long, the workers are away.

        Raises:
            OutageError: the broker does not answer, or `DecisionTimeoutError`.
            SetupError: a topic is not there, or not ours.
        """
        sent = {self._key(each): time.monotonic() for each in records}
        self._publisher.send(self._to_record(each) for each in records)
        heard = time.monotonic()
        while sent:
            for message in self._tail.poll(MOST, POLL_S):
                began = sent.pop(message.key(), None) if message.key() in sent else None
                decision = None if began is None else self._read(message)
                if began is not None and decision is not None:
                    heard = time.monotonic()
                    yield TimedDecision(decision, 1_000 * (heard - began))
            if sent and time.monotonic() - heard > patience_s:
                name = next(iter(sent)).decode()
                problem = f"{len(sent)} accepted and not decided within {patience_s:g} s, {name!r} among them"
                raise DecisionTimeoutError(problem)

    def _key(self, record: Record) -> bytes:
        return str(record[self._contract.id_field]).encode()

    def _to_record(self, record: Record) -> OutgoingRecord:
        value = frame(self._schema_id, self._schema, record)
        return OutgoingRecord(self._topics.applications.name, self._key(record), value)

    def _read(self, message: Any) -> Record | None:
        value = message.value()
        decode = partial(self._decode, value)
        return self._skipped.read(decode, message.topic(), message.offset())

    def _decode(self, value: bytes | None) -> Record:
        return self._decoder.decode(value, self._writers.of(schema_ids([value])))
