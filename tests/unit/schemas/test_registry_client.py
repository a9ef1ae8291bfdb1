import json
from datetime import UTC, datetime

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from schemas.errors import RecordError
from schemas.event_codec import avro_schema
from schemas.events.decisions import LoanOutcome
from schemas.registry_client import (
    FORGET_UNKNOWN_AFTER_S,
    EventSerde,
    NotRegisteredError,
    RegistryAwayError,
    WriterSchemas,
    registered_id,
)

OUTCOME = LoanOutcome(application_id="a-1", defaulted=True, observed_at=datetime(2026, 3, 1, tzinfo=UTC))


def a_registry() -> SchemaRegistryClient:
    """confluent-kafka's registry in memory, with the schema of outcomes."""
    registry = SchemaRegistryClient.new_client({"url": "mock://"})
    registry.register_schema("t-value", Schema(json.dumps(avro_schema(LoanOutcome)), "AVRO"))
    return registry


class CountingRegistry:
    """Answers as told and counts how often it was asked."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.asked = 0

    def get_schema(self, schema_id: int) -> Schema:
        self.asked += 1
        raise SchemaRegistryError(self.status, self.status, "no")


def test_an_event_comes_back_from_its_bytes():
    serde = EventSerde(a_registry(), LoanOutcome, "t")

    assert serde.decode(serde.encode(OUTCOME)) == OUTCOME


@pytest.mark.parametrize("value", [None, b"", b"\x05rubbish", b"\x00\x00\x00\x00\x01"])
def test_bytes_that_are_no_event_are_a_records_fault(value):
    with pytest.raises(RecordError):
        EventSerde(a_registry(), LoanOutcome, "t").decode(value)


def test_a_schema_that_was_not_registered_is_a_set_up_fault_that_names_the_command():
    with pytest.raises(NotRegisteredError, match="loanctl schemas register"):
        registered_id(a_registry(), "other-value", avro_schema(LoanOutcome))


def test_an_unknown_id_is_not_asked_for_again_for_a_while():
    registry = CountingRegistry(404)
    now = [100.0]
    schemas = WriterSchemas(registry, clock=lambda: now[0])

    assert schemas.of(frozenset({5})) == {5: None}
    assert schemas.of(frozenset({5})) == {5: None}
    assert registry.asked == 1

    now[0] += FORGET_UNKNOWN_AFTER_S
    schemas.of(frozenset({5}))
    assert registry.asked == 2


def test_a_registry_that_is_away_is_an_outage_and_no_unknown_id():
    with pytest.raises(RegistryAwayError):
        WriterSchemas(CountingRegistry(503)).of(frozenset({5}))


def test_a_known_id_is_asked_for_once():
    registry = a_registry()
    schema_id = registered_id(registry, "t-value", avro_schema(LoanOutcome))

    found = WriterSchemas(registry).of(frozenset({schema_id}))

    assert found[schema_id]["name"] == "loan.v1.LoanOutcome"
