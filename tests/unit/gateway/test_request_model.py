"""The request model: each limit at, under and over it; wrong types and unknown fields told field by field."""

import json
from typing import Any

import pytest

from gateway.api.request_model import application_model
from gateway.problems import MOST_ERRORS
from schemas.contract.contract import load
from tests.builders import CONTRACT
from tests.doubles.gateway import GatewayDouble, a_gateway
from tests.unit.gateway.calls import a_body, client_of

SECRET = 73_311


@pytest.fixture
async def double() -> GatewayDouble:
    return a_gateway()


async def post(double: GatewayDouble, body: Any, path: str = "/predict", **headers: str) -> Any:
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    async with client_of(double.app, **{"Content-Type": "application/json", **headers}) as client:
        return await client.post(path, content=content)


AT_THE_LIMIT = [
    ("person_age", 18, 17),
    ("person_age", 100, 101),
    ("person_income", 10_000_000, 10_000_001),
    ("person_income", "50000.25", "50000.255"),
    ("person_emp_length", 0, -1),
    ("cb_person_cred_hist_length", 0, -1),
    ("cb_person_cred_hist_length", 30, 31),
    ("person_emp_length", 30, 30.5),
    ("loan_int_rate", 100, 100.5),
    ("loan_grade", "G", "H"),
    ("application_id", "x" * 256, "x" * 257),
    ("application_id", "é" * 128, "é" * 129),
    ("applied_at", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00"),
    ("loan_percent_income", 0.3, 0.31),
]


@pytest.mark.parametrize(("field", "inside", "outside"), AT_THE_LIMIT)
async def test_each_limit_holds_at_it_and_not_beyond(
    double: GatewayDouble, field: str, inside: Any, outside: Any
) -> None:
    kept = await post(double, a_body(**{field: inside}))
    refused = await post(double, a_body(**{field: outside}))

    assert kept.status_code == 200, kept.text
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert [each["pointer"] for each in refused.json()["errors"]] == [f"/{field}"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("person_age", "30"),
        ("person_age", True),
        ("person_age", 30.5),
        ("person_age", 10**30),
        ("person_income", None),
        ("person_income", [1]),
        ("person_income", "NaN"),
        ("person_income", {"a": SECRET}),
        ("person_emp_length", "4"),
        ("person_home_ownership", "rent"),
        ("person_home_ownership", 3),
        ("loan_intent", "<script>alert(1)</script>"),
        ("application_id", ""),
        ("application_id", 7),
        ("application_id", "a\nb"),
        ("application_id", "a\u202eb"),
        ("applied_at", "yesterday"),
        ("applied_at", 1_772_366_400),
    ],
)
async def test_a_wrong_type_is_told_with_its_field(double: GatewayDouble, field: str, value: Any) -> None:
    answer = await post(double, a_body(**{field: value}))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(f"/{field}")
    assert double.topic.values == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_a_number_that_is_not_finite_is_refused(double: GatewayDouble, number: str) -> None:
    answer = await post(double, json.dumps(a_body()).replace(": 4,", f": {number},"))

    assert answer.status_code == 422


async def test_every_field_at_fault_is_told_at_once_and_no_value(double: GatewayDouble) -> None:
    body = a_body(person_age=SECRET, loan_intent=f"x{SECRET}", person_income=..., extra=SECRET)

    answer = await post(double, body)

    told = {each["pointer"]: each["code"] for each in answer.json()["errors"]}
    assert told.keys() == {"/person_age", "/loan_intent", "/person_income", "/extra"}
    assert told["/person_income"] == "missing"
    assert str(SECRET) not in answer.text


async def test_a_key_that_may_be_a_value_is_not_named(double: GatewayDouble) -> None:
    answer = await post(double, a_body(**{f"<b>{SECRET}": 1}))

    assert answer.json()["errors"][0]["pointer"] == "/(unnamed)"
    assert str(SECRET) not in answer.text


async def test_what_the_worker_would_refer_is_told_instead(double: GatewayDouble) -> None:
    answer = await post(double, a_body(person_age=20, person_emp_length=21))

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"pointer": "/person_emp_length", "code": "contradictory", "detail": "the value contradicts another field"}
    ]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"{}", b"[" * 100_000])
async def test_what_is_no_application_is_422(double: GatewayDouble, text: bytes) -> None:
    assert (await post(double, text)).status_code == 422


async def test_a_body_of_the_allowed_size_is_read_and_one_more_byte_is_413() -> None:
    body = json.dumps(a_body()).encode()
    double = a_gateway(gateway_max_body_bytes=len(body))

    kept = await post(double, body)
    refused = await post(double, body + b" ")

    assert (kept.status_code, refused.status_code) == (200, 413)


async def test_a_body_in_pieces_is_bounded_too() -> None:
    double = a_gateway(gateway_max_body_bytes=1_000)

    async def pieces() -> Any:
        for _ in range(11):
            yield b" " * 100

    async with client_of(double.app, **{"Content-Type": "application/json"}) as client:
        answer = await client.post("/predict", content=pieces())

    assert answer.status_code == 413


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_another_type_than_json_is_415(double: GatewayDouble, kind: str) -> None:
    assert (await post(double, a_body(), **{"Content-Type": kind})).status_code == 415


@pytest.mark.parametrize("key", ["", "x" * 256, "é"])
async def test_a_malformed_idempotency_key_is_422(double: GatewayDouble, key: str) -> None:
    async with client_of(double.app) as client:
        answer = await client.post("/predict", json=a_body(), headers={b"Idempotency-Key": key.encode("latin-1")})

    assert answer.status_code == 422
    assert double.topic.values == []


@pytest.mark.parametrize("key", ["x", "x" * 255])
async def test_an_idempotency_key_of_the_allowed_length_is_taken(double: GatewayDouble, key: str) -> None:
    assert (await post(double, a_body(), **{"Idempotency-Key": key})).status_code == 200


@pytest.mark.parametrize(("faulty", "listed"), [(MOST_ERRORS - 1, 99), (MOST_ERRORS, 100), (MOST_ERRORS + 1, 100)])
async def test_a_hundred_errors_are_listed_and_all_are_counted(double: GatewayDouble, faulty: int, listed: int) -> None:
    batch = {"applications": [a_body(person_age=17)] * faulty}

    problem = (await post(double, batch, "/predict/batch")).json()

    assert (len(problem["errors"]), problem["error_count"]) == (listed, faulty)
    assert problem["errors"][-1]["pointer"] == f"/applications/{listed - 1}/person_age"


@pytest.mark.parametrize("product", ["credit_risk", "lending_club"])
def test_every_field_of_a_contract_is_in_the_model_with_its_words(product: str) -> None:
    contract = load(product)

    schema = application_model(contract).model_json_schema()

    assert list(schema["properties"]) == [field.name for field in contract.fields]
    assert schema["additionalProperties"] is False
    titles = {name: each.get("title") for name, each in schema["properties"].items()}
    assert {field.name: field.label for field in contract.observed}.items() <= titles.items()
    required = {field.name for field in contract.observed if not field.nullable}
    assert set(schema["required"]) == required


async def test_the_openapi_document_shows_the_contract(double: GatewayDouble) -> None:
    async with client_of(double.app) as client:
        document = (await client.get("/openapi.json")).json()

    application = document["components"]["schemas"][CONTRACT.schema["name"]]
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": f"#/components/schemas/{CONTRACT.schema['name']}"}
    assert application["properties"]["person_home_ownership"]["enum"] == ["RENT", "MORTGAGE", "OWN", "OTHER"]
    assert "loan_status" in document["info"]["description"]
