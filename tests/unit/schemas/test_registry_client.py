import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import fastavro
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from schemas.avro_resolution.writer_schemas import record_type
from schemas.codec.event_codec import avro_schema
from schemas.codec.wire_format import ForeignSchemaError, IncompatibleSchemaError, frame
from schemas.errors import RecordError
from schemas.events.decisions import LoanOutcome
from schemas.registry_client import (
    FORGET_UNKNOWN_AFTER_S,
    EventSerde,
    NotRegisteredError,
    RegistryAwayError,
    RegistryRefusesError,
    WriterSchemas,
    registered_id,
)
from tests.unit.schemas.registry import NONE, a_registry, registry_answers

OUTCOME = LoanOutcome(application_id="a-1", defaulted=True, observed_at=datetime(2026, 3, 1, tzinfo=UTC))
OURS = avro_schema(LoanOutcome)
META = {"type": "record", "name": "Meta", "namespace": "com.acme", "fields": [{"name": "source", "type": "string"}]}
HTML = b"<html>not here</html>"


def a_mock() -> SchemaRegistryClient:
    """confluent-kafka's registry in memory, with the schema of outcomes."""
    registry = SchemaRegistryClient.new_client({"url": "mock://"})
    registry.register_schema("t-value", Schema(json.dumps(OURS), "AVRO"))
    return registry


def test_an_event_comes_back_from_its_bytes():
    value = EventSerde(a_mock(), LoanOutcome, "t").encode(OUTCOME)

    with a_registry(registry_answers(int.from_bytes(value[1:5], "big"), OURS, "t-value")) as registry:
        assert EventSerde(registry.client(), LoanOutcome, "t").decode(value) == OUTCOME


@pytest.mark.parametrize("value", [None, b"", b"\x05rubbish", b"\x00\x00\x00\x00\x01", b"\x00\x00\x01\x00\x01\x04ab"])
def test_bytes_that_are_no_event_are_a_records_fault(value):
    with a_registry(registry_answers(1, OURS, "t-value")) as registry, pytest.raises(RecordError):
        EventSerde(registry.client(), LoanOutcome, "t").decode(value)


def test_an_event_of_another_writer_is_read_by_that_writers_units():
    types = {"application_id": {"type": "string", "logicalType": "uuid"}, "defaulted": "boolean"}
    theirs: dict[str, Any] = {
        "type": "record",
        "name": "Ended",
        "fields": [{"name": n, "type": t} for n, t in types.items()],
    }
    theirs["fields"].append({"name": "observed_at", "type": {"type": "long", "logicalType": "timestamp-nanos"}})
    raw = json.loads(json.dumps(theirs).replace("logicalType", "doc"))
    record = {"application_id": "LOAN-1", "defaulted": True, "observed_at": 1_772_366_400_000_000_000}
    value = frame(7, fastavro.parse_schema(raw), record)

    with a_registry(registry_answers(7, theirs, "t-value")) as registry:
        outcome = EventSerde(registry.client(), LoanOutcome, "t").decode(value)

    assert outcome.application_id == "LOAN-1"
    assert outcome.observed_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_schema_that_was_not_registered_is_a_set_up_fault_that_names_the_command():
    with a_registry({}) as registry:
        client = registry.client()
        with pytest.raises(NotRegisteredError, match="loanctl schemas register"):
            registered_id(client, "other-value", OURS)


def test_an_unknown_id_is_not_asked_for_again_for_a_while():
    now = [100.0]
    with a_registry({}) as registry:
        schemas = WriterSchemas(registry.client(), "t", clock=lambda: now[0])

        assert schemas.of(frozenset({5})) == {5: None}
        assert schemas.of(frozenset({5})) == {5: None}
        assert len(registry.asked) == 1

        now[0] += FORGET_UNKNOWN_AFTER_S
        registry.answers = registry_answers(5, OURS, "t-value")
        assert record_type(schemas.of(frozenset({5}))[5]).kind == "record"


def test_a_known_id_is_asked_for_once():
    with a_registry(registry_answers(5, OURS, "t-value")) as registry:
        schemas = WriterSchemas(registry.client(), "t")
        first = schemas.of(frozenset({5}))[5]
        asked = len(registry.asked)

        assert schemas.of(frozenset({5}))[5] is first
        assert len(registry.asked) == asked


def test_a_schema_under_another_subject_is_foreign():
    with a_registry(registry_answers(5, OURS, "elsewhere-value")) as registry:
        assert WriterSchemas(registry.client(), "t").of(frozenset({5})) == {5: ForeignSchemaError}


@pytest.mark.parametrize(
    "answer",
    [
        (404, HTML),
        (404, b""),
        (404, {"message": "no route"}),
        (404, {"error_code": 404, "message": "HTTP 404 Not Found"}),
        (400, {"error_code": 400}),
        (429, HTML),
        (500, {"error_code": 50001}),
        (502, HTML),
        (503, b""),
        (200, HTML),
    ],
)
@pytest.mark.parametrize("path", ["/schemas/ids/5/subjects", "/schemas/ids/5"])
def test_only_the_registrys_own_word_makes_an_id_unknown(answer, path):
    with (
        a_registry({**registry_answers(5, OURS, "t-value"), path: answer}) as registry,
        pytest.raises(RegistryAwayError),
    ):
        WriterSchemas(registry.client(), "t").of(frozenset({5}))


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_a_set_up_fault_in_one_line(status):
    with a_registry({"/schemas/ids/5/subjects": (status, HTML)}) as registry:
        client = registry.client()
        with pytest.raises(RegistryRefusesError, match="LOAN_REGISTRY_BASIC_AUTH") as raised:
            WriterSchemas(client, "t").of(frozenset({5}))

    assert "\n" not in str(raised.value)


def test_references_are_resolved_through_references():
    inner = {"name": "com.acme.Meta", "subject": "meta", "version": 1}
    outer = {"name": "com.acme.Box", "subject": "box", "version": 2}
    box = {"type": "record", "name": "Box", "namespace": "com.acme", "fields": [{"name": "meta", "type": "Meta"}]}
    theirs = {**OURS, "fields": [*OURS["fields"], {"name": "box", "type": ["null", "com.acme.Box"]}]}
    found = {
        **registry_answers(5, theirs, "t-value", [outer]),
        "/subjects/box/versions/2": (200, _version("box", 2, box, [inner])),
        "/subjects/meta/versions/1": (200, _version("meta", 1, META)),
    }

    with a_registry(found) as registry:
        writer = WriterSchemas(registry.client(), "t").of(frozenset({5}))[5]

    assert [schema["name"] for schema in writer.references] == ["Meta", "Box"]
    assert record_type(writer).fields[-1].name == "box"


def test_references_without_end_are_refused():
    around = {"name": "a", "subject": "a", "version": 1}
    found = {
        **registry_answers(5, OURS, "t-value", [around]),
        "/subjects/a/versions/1": (200, _version("a", 1, META, [around])),
    }
    endless = {
        **registry_answers(6, OURS, "t-value", [around]),
        **{f"/subjects/{name}/versions/1": (200, _version(name, 1, META, [_to(after)])) for name, after in _chain(100)},
    }

    with a_registry({**found, **endless}) as registry:
        assert WriterSchemas(registry.client(), "t").of(frozenset({6})) == {6: IncompatibleSchemaError}


def test_a_reference_that_is_gone_makes_the_schema_unknown():
    around = {"name": "a", "subject": "a", "version": 1}
    with a_registry({**registry_answers(5, OURS, "t-value", [around]), "/subjects/a/versions/1": NONE}) as registry:
        assert WriterSchemas(registry.client(), "t").of(frozenset({5})) == {5: None}


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_a_schema_that_is_no_json_is_refused(text):
    with a_registry(registry_answers(5, text, "t-value")) as registry:
        assert WriterSchemas(registry.client(), "t").of(frozenset({5})) == {5: IncompatibleSchemaError}


def _to(name: str) -> dict[str, object]:
    return {"name": name, "subject": name, "version": 1}


def _chain(length: int) -> list[tuple[str, str]]:
    names = ["a", *(f"a{place}" for place in range(length))]
    return list(pairwise(names))


def _version(subject: str, version: int, schema: object, references: object = ()) -> dict[str, object]:
    return {
        "subject": subject,
        "version": version,
        "id": version + 100,
        "schema": json.dumps(schema),
        "references": list(references),
    }
