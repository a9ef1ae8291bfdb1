"""Any writer's schema, any bytes: both readers of applications say the same, and raise nothing but a reason."""

import copy
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import fastavro
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schemas.avro_resolution.writer_schemas import WriterSchema
from schemas.codec.application_decoder import ApplicationReader
from schemas.codec.application_plan import ReadPlan, plan_of
from schemas.codec.wire_format import HEADER
from tests.builders import APPLIED_AT, CONTRACT, OneByOne, an_application

ID = 8
MILLIS = 1_772_366_400_123
POSITION = CONTRACT.position


def variant(**types: Any) -> dict[str, Any]:
    """Our schema as another team writes it; these fields of other types, or new ones, None for one that is dropped."""
    fields = {field["name"]: field for field in json.loads(json.dumps(CONTRACT.schema["fields"]))}
    plain = {
        name: {key: field[key] for key in ("name", "type", "default") if key in field} for name, field in fields.items()
    }
    for name, kind in types.items():
        plain[name] = {"name": name, "type": kind}
        if kind is None:
            del plain[name]
    return {"type": "record", "name": "Application", "namespace": "com.acme", "fields": list(plain.values())}


def with_header(body: bytes) -> bytes:
    return HEADER.pack(0, ID) + body


def encode(schema: Any, record: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(copy.deepcopy(schema)), record)
    return with_header(out.getvalue())


def read(schema: Any, *values: bytes) -> Any:
    """What both readers say, having said the same."""
    writers = {ID: schema}
    bulk, single = (kind(CONTRACT).read(values, writers) for kind in (ApplicationReader, OneByOne))
    assert list(bulk.applications.ids) == list(single.applications.ids)
    assert bulk.applications.applied_at.tolist() == single.applications.applied_at.tolist()
    np.testing.assert_array_equal(bulk.applications.values, single.applications.values)
    reasons = [[(item.place, item.error.reason) for item in one.unreadable] for one in (bulk, single)]
    assert reasons[0] == reasons[1]
    return bulk


def reason(schema: Any, body: bytes) -> str:
    [item] = read(schema, with_header(body)).unreadable
    return str(item.error.reason)


def logical(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "logicalType": name, **more}


def test_an_id_declared_a_uuid_is_its_text():
    name = "6f0c7e0a-3a3e-4e57-9b1e-2f4f6a0d8f11"
    schema = variant(application_id=logical("string", "uuid"))

    decoded = read(schema, encode(variant(), an_application(application_id=name)))

    assert decoded.applications.ids == [name]
    assert read(schema, encode(variant(), an_application(application_id="LOAN-1"))).applications.ids == ["LOAN-1"]


@pytest.mark.parametrize(
    ("kind", "raw", "milliseconds"),
    [
        (logical("long", "timestamp-millis"), MILLIS, MILLIS),
        (logical("long", "timestamp-micros"), MILLIS * 1000 + 999, MILLIS),
        (logical("long", "timestamp-nanos"), MILLIS * 10**6 + 999, MILLIS),
        (logical("long", "local-timestamp-millis"), MILLIS, MILLIS),
        (logical("long", "local-timestamp-micros"), MILLIS * 1000, MILLIS),
        (logical("long", "local-timestamp-nanos"), MILLIS * 10**6, MILLIS),
        (logical("int", "date"), 20_513, 20_513 * 86_400_000),
        ("long", MILLIS, MILLIS),
        (logical("long", "no-such-type"), MILLIS, MILLIS),
    ],
)
def test_times_are_read_by_the_writers_unit(kind, raw, milliseconds):
    plain = variant(applied_at="long")

    decoded = read(variant(applied_at=kind), encode(plain, an_application(applied_at=raw)))

    assert decoded.applications.applied_at.tolist() == [milliseconds]


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        (logical("int", "time-millis"), 1_000, "incompatible_schema"),
        (logical("long", "time-micros"), 1_000, "incompatible_schema"),
        ("int", 1_772_366_400, "incompatible_schema"),
        ("double", None, "incompatible_schema"),
        ("string", None, "incompatible_schema"),
        ("long", MILLIS // 1_000, "undecodable"),
        ("long", MILLIS * 1_000, "undecodable"),
        ("long", MILLIS * 10**6, "undecodable"),
        (logical("long", "timestamp-millis"), MILLIS * 1_000, "undecodable"),
        (logical("int", "date"), 2**62, "undecodable"),
    ],
)
def test_what_is_no_time_is_set_aside(kind, raw, expected):
    body = encode(variant(applied_at="long"), an_application(applied_at=raw or 0))

    [item] = read(variant(applied_at=kind), body).unreadable

    assert item.error.reason == expected


@pytest.mark.parametrize(
    ("kind", "digits", "value"),
    [
        (logical("bytes", "decimal", precision=18, scale=4), (1_234_567).to_bytes(3, "big"), 123.4567),
        (logical("bytes", "decimal", precision=38, scale=2), (10**25).to_bytes(16, "big"), 1e23),
        ({**logical("fixed", "decimal", precision=20, scale=2), "name": "F", "size": 9}, (5).to_bytes(9, "big"), 0.05),
        ({**logical("fixed", "decimal", precision=6, scale=2), "name": "F", "size": 2}, b"\xff\xfb", -0.05),
    ],
)  # fmt: skip
def test_a_decimal_is_read_by_the_writers_scale(kind, digits, value):
    raw: Any = "bytes" if kind["type"] == "bytes" else {"type": "fixed", "name": "F", "size": kind["size"]}
    body = encode(variant(loan_amnt=raw), an_application(loan_amnt=digits))

    decoded = read(variant(loan_amnt=kind), body)

    assert decoded.applications.values[0, POSITION["loan_amnt"]] == value


@pytest.mark.parametrize("size", [0, 33, 60_000, 900_000])
def test_a_decimal_of_many_bytes_is_refused_before_it_is_converted(size):
    body = encode(variant(loan_amnt="bytes"), an_application(loan_amnt=b"\x7f" * size))

    [item] = read(variant(), body).unreadable

    assert item.error.reason == ("undecodable" if size < 65_536 else "oversized")


@pytest.mark.parametrize(
    "kind", ["bytes", "string", "double", "long", logical("bytes", "decimal", precision=400, scale=2)]
)
def test_money_without_a_scale_is_no_money(kind):
    assert reason(variant(loan_amnt=kind), b"") == "incompatible_schema"


@pytest.mark.parametrize(
    "schema",
    [
        "string",
        "null",
        ["null", "string"],
        [variant()],
        logical("string", "uuid"),
        {"type": "enum", "name": "E", "symbols": ["A"]},
        {"type": "array", "items": variant()},
        {"type": "map", "values": "string"},
        {"type": "record", "name": "R", "fields": []},
        variant(tags={"type": "array", "items": "null"}),
        variant(tags={"type": "array", "items": "string"}),
        variant(tags={"type": "map", "values": "string"}),
        variant(wide=logical("bytes", "decimal", precision=400, scale=2)),
        variant(wide=logical("bytes", "decimal", precision=4, scale=5)),
        {"type": "record", "name": "R", "fields": [{"name": "next", "type": ["null", "R"]}]},
        variant(next={"type": "record", "name": "N", "fields": [{"name": "next", "type": ["null", "N"]}]}),
        variant(what="com.acme.Elsewhere"),
        variant(what={"type": "no such type"}),
        {"type": "record"},
        {"type": "record", "name": 5, "fields": 5},
        {},
        [],
        5,
    ],
)  # fmt: skip
def test_schemas_that_nothing_should_be_read_by_are_refused(schema):
    assert reason(schema, b"\x80" * 40) == "incompatible_schema"


def test_names_of_names_that_stand_for_too_much_are_refused():
    fields: list[Any] = [{"name": "f0", "type": {"type": "record", "name": "R0", "fields": []}}]
    for level in range(1, 12):
        doubled = [{"name": f"g{place}", "type": f"R{level - 1}"} for place in range(8)]
        fields.append({"name": f"f{level}", "type": {"type": "record", "name": f"R{level}", "fields": doubled}})

    assert reason({**variant(), "fields": [*variant()["fields"], *fields]}, b"") == "incompatible_schema"


def test_a_schema_too_deep_is_refused():
    deep: Any = "int"
    for level in range(3_000):
        deep = {"type": "record", "name": f"R{level}", "fields": [{"name": "f", "type": deep}]}

    assert reason(variant(deep=deep), b"") == "incompatible_schema"


def test_the_name_of_the_record_does_not_matter_and_a_reference_is_resolved():
    meta = {
        "type": "record",
        "name": "Meta",
        "namespace": "com.other",
        "fields": [{"name": "source", "type": "string"}],
    }
    record = {**an_application(), "meta": {"source": "branch"}}
    value = encode(variant(meta=["null", meta]), record)

    decoded = read(WriterSchema(variant(meta=["null", "com.other.Meta"]), (meta,)), value)

    assert decoded.applications.ids == ["a-1"]
    assert reason(variant(meta=["null", "com.other.Meta"]), value[5:]) == "incompatible_schema"


def test_a_null_where_the_contract_has_none_is_a_missing_value():
    nullable = ["null", logical("bytes", "decimal", precision=12, scale=2)]
    value = encode(variant(person_income=nullable), an_application(person_income=None, loan_percent_income=0.2))

    decoded = read(variant(person_income=nullable), value)

    assert np.isnan(decoded.applications.values[0, POSITION["person_income"]])


def test_what_the_writer_does_not_have_is_the_contracts_default():
    record = an_application()
    decoded = read(variant(loan_grade=None, person_age=None), encode(variant(loan_grade=None, person_age=None), record))

    assert np.isnan(decoded.applications.values[0, [POSITION["loan_grade"], POSITION["person_age"]]]).all()
    assert decoded.applications.values[0, POSITION["loan_amnt"]] == 10_000


FIXED = {"type": "fixed", "name": "Fixed", "size": 3}
ENUM = {"type": "enum", "name": "Symbol", "symbols": ["RENT", "OWN", "ELSE"]}
RECORD = {"type": "record", "name": "Inner", "fields": [{"name": "a", "type": "int"}, {"name": "b", "type": "string"}]}
SCALARS: list[Any] = [
    *("null", "boolean", "int", "long", "float", "double", "bytes", "string"),
    FIXED,
    ENUM,
    RECORD,
    logical("string", "uuid"),
    {**logical("fixed", "uuid"), "name": "Uuid", "size": 16},
    {**logical("fixed", "duration"), "name": "Duration", "size": 12},
    *(logical("bytes", "decimal", precision=precision, scale=2) for precision in (4, 38)),
    {**logical("fixed", "decimal", precision=9, scale=3), "name": "Money", "size": 5},
    *(logical("int", name) for name in ("date", "time-millis")),
    *(
        logical("long", name)
        for name in ("time-micros", "timestamp-millis", "timestamp-micros", "timestamp-nanos", "local-timestamp-nanos")
    ),
]
REFUSED: list[Any] = [
    {"type": "array", "items": "null"},
    {"type": "map", "values": "int"},
    logical("bytes", "decimal", precision=400, scale=2),
    "Unknown",
]
NAMES = [field["name"] for field in CONTRACT.schema["fields"]]

kinds = st.one_of(
    st.sampled_from(SCALARS),
    st.sampled_from(SCALARS).map(lambda kind: kind if kind == "null" else ["null", kind]),
    st.sampled_from(SCALARS).map(lambda kind: kind if kind == "null" else [kind, "null"]),
    st.sampled_from([["int", "string"], ["null", "int", "double"], ["string"], ["null"]]),
    st.sampled_from(REFUSED),
)


def raw_type(kind: Any) -> Any:
    """The same without logical types, which fastavro would convert by."""
    if isinstance(kind, list):
        return [raw_type(each) for each in kind]
    return {key: kind[key] for key in kind if key != "logicalType"} if isinstance(kind, dict) else kind


def values(kind: Any) -> st.SearchStrategy[Any]:
    """What fastavro writes as this type."""
    if isinstance(kind, list):
        return st.one_of([values(each) for each in kind])
    name = kind["type"] if isinstance(kind, dict) else kind
    return {
        "null": st.none(),
        "boolean": st.booleans(),
        "int": st.integers(-(2**31), 2**31 - 1),
        "long": st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(MILLIS - 10**9, MILLIS + 10**9)),
        "float": st.floats(width=32),
        "double": st.floats(),
        "bytes": st.binary(max_size=40),
        "string": st.one_of(st.sampled_from(["RENT", "A", "MEDICAL", ""]), st.text(max_size=6)),
        "fixed": st.binary(min_size=kind["size"], max_size=kind["size"]) if name == "fixed" else st.nothing(),
        "enum": st.sampled_from(kind["symbols"]) if name == "enum" else st.nothing(),
        "record": st.fixed_dictionaries({"a": st.integers(0, 9), "b": st.text(max_size=3)}),
    }.get(name, st.nothing())


@st.composite
def writers(draw: st.DrawFn, most: int = 3) -> dict[str, Any]:
    """A schema with some fields of other types, dropped, added, and in any order."""
    changed = draw(
        st.dictionaries(st.sampled_from([*NAMES, "more", "and_more"]), st.one_of(st.none(), kinds), max_size=most)
    )
    schema = variant(**{name: kind for name, kind in changed.items() if kind is not None or name in NAMES})
    schema["fields"] = draw(st.permutations(schema["fields"])) if draw(st.booleans()) else schema["fields"]
    # A name is defined once: two fields of one named type would be two definitions.
    return json.loads(_with_unique_names(schema)) | {"type": "record"}


def _with_unique_names(schema: dict[str, Any]) -> str:
    for place, field in enumerate(schema["fields"]):
        for kind in field["type"] if isinstance(field["type"], list) else [field["type"]]:
            if isinstance(kind, dict) and "name" in kind:
                field["type"] = json.loads(
                    json.dumps(field["type"]).replace(f'"{kind["name"]}"', f'"{kind["name"]}{place}"')
                )
    return json.dumps(schema)


def raw_schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "fields": [{**field, "type": raw_type(field["type"])} for field in schema["fields"]]}


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_writer_is_read_the_same_in_bulk_and_one_by_one(data):
    schema = data.draw(writers())
    raw = raw_schema(schema)
    try:
        parsed = fastavro.parse_schema(copy.deepcopy(raw))
    except (fastavro.schema.UnknownType, fastavro.schema.SchemaParseException):
        read(schema, with_header(data.draw(st.binary(max_size=80))))
        return
    record = {
        **usual(raw),
        **{f["name"]: data.draw(values(f["type"])) for f in raw["fields"] if f["name"] not in NAMES},
    }
    for field in raw["fields"]:
        if field["name"] in NAMES and field["type"] != raw_type(variant_type(field["name"])):
            record[field["name"]] = data.draw(values(field["type"]))
    out = io.BytesIO()
    try:
        fastavro.schemaless_writer(out, parsed, record)
    except (ValueError, TypeError, KeyError, AttributeError):
        # A type of REFUSED, that holds nothing.
        out.write(data.draw(st.binary(max_size=80)))

    read(schema, with_header(out.getvalue()), with_header(out.getvalue()[: data.draw(st.integers(0, 60))]))


def variant_type(name: str) -> Any:
    return next(field["type"] for field in variant()["fields"] if field["name"] == name)


def usual(raw: dict[str, Any]) -> dict[str, Any]:
    """Values of a good application, as they lie on the wire."""
    plain = {
        **an_application(),
        "applied_at": MILLIS,
        "person_income": (5_000_000).to_bytes(4, "big"),
        "loan_amnt": (1_000_000).to_bytes(4, "big"),
    }
    return {field["name"]: plain[field["name"]] for field in raw["fields"] if field["name"] in plain}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(writers(), st.binary(max_size=200))
def test_any_bytes_of_any_writer_are_judged_the_same_in_bulk_and_one_by_one(schema, body):
    read(schema, with_header(body))


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.text(max_size=4),
        st.sampled_from(["record", "int", "string", "R", "enum", "fixed", "array", "map", "null"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["type", "name", "fields", "symbols", "size", "items", "default", "logicalType", "precision"]
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(json_values)
@example({"type": "record", "name": "R", "fields": [{"name": "f", "type": {"type": "fixed", "name": "F", "size": -1}}]})
def test_no_json_as_a_schema_raises_anything_but_a_reason(schema):
    if schema is not None:
        read(schema, with_header(b"\x02\x04ab"))


def test_a_writer_who_adds_drops_and_reorders_flat_fields_is_read_in_bulk():
    schema = variant(
        loan_grade=None,
        note="string",
        code=["string", "null"],
        mark=FIXED,
        home=ENUM,
        rate="float",
        inner=["null", RECORD],
        when=logical("long", "timestamp-nanos"),
        money=logical("bytes", "decimal", precision=38, scale=9),
    )
    schema["fields"].reverse()
    more = {
        "note": "né",
        "code": None,
        "mark": b"abc",
        "home": "OWN",
        "rate": 0.5,
        "inner": None,
        "when": 5,
        "money": Decimal("1.5"),
    }

    plan: ReadPlan = plan_of(CONTRACT, schema)
    decoded = read(schema, encode(schema, {**an_application(), **more}))

    assert plan.program is not None
    assert decoded.applications.ids == ["a-1"]
    assert decoded.applications.applied_at.tolist() == [round(APPLIED_AT.timestamp() * 1000)]


def test_a_category_may_be_an_enum_of_the_writers():
    schema = variant(person_home_ownership=ENUM)
    own, other = (encode(schema, an_application(person_home_ownership=word)) for word in ("OWN", "ELSE"))

    decoded = read(schema, own, other)

    assert decoded.applications.values[:, POSITION["person_home_ownership"]].tolist() == [2.0, -1.0]


def test_times_of_fastavros_own_writing_come_back():
    when = datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(milliseconds=7)
    micros = variant(applied_at=logical("long", "timestamp-micros"))
    days = variant(applied_at=logical("int", "date"))

    assert read(micros, encode(micros, an_application(applied_at=when))).applications.applied_at == [1772366400007]
    assert read(days, encode(days, an_application(applied_at=date(2026, 3, 1)))).applications.applied_at == [
        1772323200000
    ]
