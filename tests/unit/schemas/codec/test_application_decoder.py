import copy
import json

import fastavro
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from schemas.codec.application_decoder import ApplicationReader
from schemas.codec.wire_format import frame, schema_ids
from schemas.registry_client import BY_TOPIC
from tests.builders import (
    APPLICATION_SCHEMA_ID,
    CONTRACT,
    PARSED,
    WRITERS,
    an_application,
    application_bytes,
)

READER = ApplicationReader(CONTRACT)


def reasons(*values: bytes | None) -> list[str]:
    return [item.error.reason for item in READER.read(values, WRITERS).unreadable]


def test_the_bytes_are_those_of_confluents_own_serializer():
    registry = SchemaRegistryClient.new_client({"url": "mock://"})
    schema = json.dumps(CONTRACT.schema)
    schema_id = registry.register_schema("t-value", Schema(schema, "AVRO"))
    serializer = AvroSerializer(registry, schema, conf={"auto.register.schemas": False, **BY_TOPIC})

    theirs = serializer(an_application(), SerializationContext("t", MessageField.VALUE))

    assert frame(schema_id, PARSED, an_application()) == theirs


def test_a_batch_keeps_order_and_places_around_what_it_cannot_read():
    good, other = application_bytes(), application_bytes(application_id="a-2")

    decoded = READER.read([good, None, other], WRITERS)

    assert decoded.applications.ids == ["a-1", "a-2"]
    assert decoded.places.tolist() == [0, 2]
    assert [item.place for item in decoded.unreadable] == [1]


def test_each_kind_of_unreadable_bytes_is_told_apart():
    good = application_bytes()

    assert reasons(None) == ["tombstone"]
    assert reasons(b"") == ["not_framed"]
    assert reasons(b"not avro at all") == ["not_framed"]
    assert reasons(b"\x01" + good[1:]) == ["not_framed"]
    assert reasons(good[:1] + b"\x00\x00\x99\x99" + good[5:]) == ["unknown_schema"]
    assert reasons(good[:-3]) == ["undecodable"]
    assert reasons(good + b"\x00") == ["undecodable"]
    assert reasons(b"\x00\x00\x00\x00\x07" + b"\xff" * 60_000) == ["undecodable"]
    assert reasons(b"\x00\x00\x00\x00\x07" + b"\xff" * 1_000_000) == ["oversized"]
    assert reasons(application_bytes(application_id="")) == ["nameless"]
    assert reasons(application_bytes(application_id="x" * 257)) == ["oversized_id"]
    assert reasons(application_bytes(application_id="x" * 256)) == []


def test_a_writer_without_a_required_field_cannot_be_read_as_an_application():
    schema = copy.deepcopy(json.loads(json.dumps(CONTRACT.schema)))
    schema["fields"] = [field for field in schema["fields"] if field["name"] != "person_income"]
    writer = fastavro.parse_schema(schema)
    record = {name: value for name, value in an_application().items() if name != "person_income"}

    decoded = READER.read([frame(8, writer, record)], {8: writer})

    assert [item.error.reason for item in decoded.unreadable] == ["incompatible_schema"]


def test_a_writer_with_a_field_more_is_read():
    schema = copy.deepcopy(json.loads(json.dumps(CONTRACT.schema)))
    schema["fields"].append({"name": "note", "type": "string"})
    writer = fastavro.parse_schema(schema)

    decoded = READER.read([frame(8, writer, {**an_application(), "note": "x"})], {8: writer})

    assert decoded.applications.ids == ["a-1"]
    assert decoded.schema_ids.tolist() == [8]


@pytest.mark.parametrize("value", [None, b"", b"\x01\x00\x00\x00\x01"])
def test_what_is_not_framed_names_no_schema(value):
    assert schema_ids([value, application_bytes()]) == {APPLICATION_SCHEMA_ID}
