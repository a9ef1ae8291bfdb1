import io
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import UnionType
from typing import get_args, get_origin, get_type_hints

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec.event_codec import SCHEMA_FILES, as_record, avro_schema, from_record
from schemas.codec.wire_format import frame, unframe

EVENTS = sorted(SCHEMA_FILES, key=lambda event: event.__name__)


def records_in(schema) -> list[dict]:
    if isinstance(schema, list):
        return [found for branch in schema for found in records_in(branch)]
    if not isinstance(schema, dict):
        return []
    inner = [field["type"] for field in schema.get("fields", [])] + [schema.get("items", []), schema.get("values", [])]
    nested = schema["type"] if isinstance(schema.get("type"), dict | list) else []
    own = [schema] if schema.get("type") == "record" else []
    return own + [found for part in [*inner, nested] for found in records_in(part)]


@pytest.mark.parametrize("event", EVENTS)
def test_a_dataclass_has_the_fields_of_its_schema_in_their_order(event):
    schema = avro_schema(event)

    assert schema["name"] == event.__name__
    assert [field.name for field in fields(event)] == [field["name"] for field in schema["fields"]]


@pytest.mark.parametrize("event", EVENTS)
def test_every_field_has_a_doc_and_every_enum_a_default_unknown(event):
    schema = avro_schema(event)

    assert all(field.get("doc") for record in records_in(schema) for field in record["fields"])
    enums = [part for record in records_in(schema) for part in enums_in([f["type"] for f in record["fields"]])]
    assert all(enum["default"] == "UNKNOWN" and enum["symbols"][0] == "UNKNOWN" for enum in enums)


def enums_in(part) -> list[dict]:
    if isinstance(part, list):
        return [found for branch in part for found in enums_in(branch)]
    if not isinstance(part, dict):
        return []
    return [part] if part.get("type") == "enum" else enums_in(part.get("items", []))


@pytest.mark.parametrize("event", EVENTS)
def test_any_event_comes_back_from_its_bytes(event):
    schema = fastavro.parse_schema(dict(avro_schema(event)))

    @settings(max_examples=20, deadline=None)
    @given(values_of(event))
    def round_trip(value):
        _, body = unframe(frame(1, schema, as_record(value)))
        decoded = fastavro.schemaless_reader(io.BytesIO(body), schema, None)
        assert from_record(event, decoded) == value

    round_trip()


def values_of(event) -> st.SearchStrategy:
    """Instances of an event with times to the millisecond, as the schema keeps them."""
    return st.builds(event, **{name: strategy(hint) for name, hint in get_type_hints(event).items()})


def strategy(hint) -> st.SearchStrategy:
    if get_origin(hint) is UnionType:
        return st.one_of([strategy(part) for part in get_args(hint)])
    if get_origin(hint) is Sequence:
        return st.lists(strategy(get_args(hint)[0]), max_size=3)
    if get_origin(hint) is Mapping:
        return st.dictionaries(st.text(max_size=3), strategy(get_args(hint)[1]), max_size=3)
    if is_dataclass(hint):
        return values_of(hint)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    plain = {
        str: st.text(max_size=5),
        float: st.floats(allow_nan=False),
        bool: st.booleans(),
        int: st.integers(-(2**31), 2**31 - 1),
        type(None): st.none(),
        datetime: st.integers(0, 4 * 10**12).map(lambda ms: datetime.fromtimestamp(ms // 1000, tz=UTC)),
    }
    return plain[hint]
