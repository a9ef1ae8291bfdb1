import copy
import io
import json
from datetime import UTC, datetime
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.avro_resolution.avro_reader import resolver
from schemas.avro_resolution.writer_schemas import record_type
from schemas.codec import event_decoder
from schemas.codec.event_codec import SCHEMA_FILES, avro_schema
from schemas.codec.event_decoder import EventDecoder
from schemas.codec.wire_format import HEADER
from schemas.errors import RecordError
from schemas.events.decisions import LoanDecision, LoanOutcome

ID = 3
FRAME = HEADER.pack(0, ID)
MILLIS = st.integers(-(10**12), 4 * 10**12)


class ByCursor(EventDecoder):
    def _build(self, writer: Any) -> Any:
        theirs = record_type(writer, repeated=True)
        return event_decoder._by_cursor(resolver(theirs, self.type))


def values(kind: Any, named: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What fastavro writes as a type of ours."""
    if isinstance(kind, list):
        return st.one_of([values(each, named) for each in kind])
    if isinstance(kind, str) and kind in named:
        return values(named[kind], named)
    name = kind["type"] if isinstance(kind, dict) else kind
    if isinstance(kind, dict) and "name" in kind:
        named[kind["name"]] = kind
    if name == "record":
        return st.fixed_dictionaries({field["name"]: values(field["type"], named) for field in kind["fields"]})
    if name in ("array", "map"):
        inner = values(kind["items" if name == "array" else "values"], named)
        lists = st.lists(inner, max_size=3)
        return lists if name == "array" else st.dictionaries(st.text(max_size=3), inner, max_size=3)
    if isinstance(kind, dict) and kind.get("logicalType") == "timestamp-millis":
        return MILLIS.map(lambda at: datetime.fromtimestamp(at // 1000, UTC))
    if name == "enum":
        return st.sampled_from(kind["symbols"])
    return {
        "null": st.none(),
        "boolean": st.booleans(),
        "int": st.integers(-(2**31), 2**31 - 1),
        "long": st.integers(-(2**63), 2**63 - 1),
        "double": st.floats(allow_nan=False),
        "string": st.text(max_size=5),
    }[name]


def encode(schema: Any, record: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(copy.deepcopy(schema)), record)
    return FRAME + out.getvalue()


def decode_or_reason(decoder: EventDecoder, value: bytes, schema: Any) -> Any:
    try:
        return decoder.decode(value, {ID: schema})
    except RecordError as fault:
        return fault.reason


@pytest.mark.parametrize("event", SCHEMA_FILES, ids=lambda event: event.__name__)
def test_every_event_is_read_by_both_ways_as_it_was_written(event):
    schema = json.loads(json.dumps(avro_schema(event)))

    @settings(max_examples=15, deadline=None)
    @given(values(schema, {}))
    def alike(record: Any) -> None:
        value = encode(schema, record)
        quick, slow = EventDecoder(schema).decode(value, {ID: schema}), ByCursor(schema).decode(value, {ID: schema})
        assert quick == slow == record

    alike()


@settings(max_examples=100, deadline=None)
@given(values(json.loads(json.dumps(avro_schema(LoanOutcome))), {}), st.data())
def test_damaged_bytes_raise_nothing_but_a_reason(record, data):
    schema = avro_schema(LoanOutcome)
    value = bytearray(encode(schema, record))
    value[data.draw(st.integers(5, len(value) - 1))] = data.draw(st.integers(0, 255))

    for decoder in (EventDecoder(schema), ByCursor(schema)):
        decode_or_reason(decoder, bytes(value), schema)
        assert decode_or_reason(decoder, encode(schema, record) + b"\0", schema) == "undecodable"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_as_a_decision_raise_nothing_but_a_reason(body):
    schema = avro_schema(LoanDecision)

    decode_or_reason(ByCursor(schema), FRAME + body, schema)
    decode_or_reason(EventDecoder(schema), FRAME + body, schema)


def outcome_of(**types: Any) -> dict[str, Any]:
    usual = {"application_id": "string", "defaulted": "boolean", "observed_at": None, **types}
    usual["observed_at"] = usual["observed_at"] or {"type": "long", "logicalType": "timestamp-millis"}
    fields = [{"name": name, "type": kind} for name, kind in usual.items()]
    return {"type": "record", "name": "Ended", "namespace": "com.acme", "fields": fields}


@pytest.mark.parametrize(
    "schema",
    [
        "string",
        ["null", "string"],
        outcome_of(more={"type": "array", "items": "null"}),
        outcome_of(more={"type": "array", "items": {"type": "record", "name": "E", "fields": []}}),
        outcome_of(more={"type": "record", "name": "N", "fields": [{"name": "next", "type": ["null", "N"]}]}),
        outcome_of(defaulted="string"),
        outcome_of(observed_at={"type": "int", "logicalType": "time-millis"}),
    ],
)
def test_an_outcome_by_a_schema_that_does_no_good_is_set_aside(schema):
    assert decode_or_reason(EventDecoder(avro_schema(LoanOutcome)), FRAME + b"\x02a\x00\x00" + b"\x80" * 9, schema) == (
        "incompatible_schema"
    )


def test_a_count_of_strangers_ends_with_the_bytes():
    schema = outcome_of(more={"type": "array", "items": "string"})
    body = b"\x02a\x00\x00" + b"\xfe\xff\xff\xff\x7f"

    assert decode_or_reason(EventDecoder(avro_schema(LoanOutcome)), FRAME + body, schema) == "undecodable"
