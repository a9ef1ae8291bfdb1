"""Decisions found again on their topic, by application."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from loanctl.audit.offset_ranges import offset_ranges
from schemas.codec.event_codec import avro_schema
from schemas.codec.event_decoder import EventDecoder
from schemas.codec.wire_format import schema_ids
from schemas.errors import SetupError
from schemas.events.decisions import LoanDecision
from schemas.registry_client import WriterSchemas
from scorecard.decisions.reproduction import DecisionCopy
from streams.kafka.topics.skipped_records import SkippedRecords
from streams.kafka.topics.topic_reader import Record, blocks, partition_ranges
from streams.runtime.settings import Connection

Read = Callable[[bytes | None, int], Mapping[str, Any] | None]
"""A record's value and offset to its decision; None where it is none, which is logged."""


class UnknownApplicationError(SetupError):
    """There is no decision under the id."""


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """A decision, and the record that carries it."""

    copy: DecisionCopy
    record: Record | None
    """None where the topic has it no longer, and its fields are the ledger's."""

    @property
    def decision(self) -> Mapping[str, Any]:
        return self.copy.fields


def first_decision(connection: Connection, application_id: str) -> RecordedDecision:
    """The decision that stands: the application's first. Reads the whole topic of decisions.

    Raises:
        UnknownApplicationError: the topic has none.
        OutageError: broker or registry is away.
    """
    topic = connection.topics().decisions.name
    read = decision_reader(connection, topic)
    wanted = [
        record
        for block in blocks(connection, partition_ranges(connection, [topic]))
        for record in block
        if record.key == application_id.encode()
    ]
    for record in sorted(wanted, key=lambda each: each.place):
        found = read(record.value, record.offset)
        if found is not None:
            return RecordedDecision(DecisionCopy(record.value, found), record)
    problem = f"no decision on {application_id!r} on {topic}"
    raise UnknownApplicationError(problem)


def decision_at(connection: Connection, partition: int, offset: int) -> RecordedDecision | None:
    """The decision at a place of its topic; None where there is none, or no longer.

    Raises:
        OutageError: broker or registry is away.
    """
    topic = connection.topics().decisions.name
    [extent] = offset_ranges(connection, topic, partition, offset, offset + 1)
    record = next((record for block in blocks(connection, [extent]) for record in block), None)
    found = decision_reader(connection, topic)(record.value, offset) if record else None
    return None if record is None or found is None else RecordedDecision(DecisionCopy(record.value, found), record)


def decision_reader(connection: Connection, topic: str) -> Read:
    """Decodes decisions of one topic, whichever of our schemas wrote them."""
    writers, decoder = WriterSchemas(connection.registry(), topic), EventDecoder(avro_schema(LoanDecision))
    skipped = SkippedRecords()

    def decode(value: bytes | None) -> Mapping[str, Any]:
        return decoder.decode(value, writers.of(schema_ids([value])))

    return lambda value, offset: skipped.read(partial(decode, value), topic, offset)
