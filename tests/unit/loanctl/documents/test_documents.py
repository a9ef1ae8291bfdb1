"""The generated documents hold to the official JSON schemas, and say of each topic what the code does."""

import hashlib
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

from gateway.exchange.publisher import headers_of
from loanctl import cli
from loanctl.documents.asyncapi import CLOUD_EVENTS, OPTIONAL_HEADERS, asyncapi
from loanctl.documents.data_contract import OF_A_PERSON, data_contract
from schemas.access import Operation, Resource, rights
from schemas.codec.event_codec import SCHEMA_FILES, avro_schema
from schemas.contract.contract import load
from schemas.events.decisions import LoanDecision
from schemas.topics import Topics, topics_of
from scorecard.decisions.scoring import score_batch
from streams.kafka.producer.event_publisher import event_headers
from tests.builders import WRITERS, a_batch, a_champion, a_wire, application_bytes
from tests.decisions import a_decision

OFFICIAL = Path(__file__).parent / "official"
ASYNCAPI_SHA256 = "d4571a420e6ffb7fcc7066c95a6db1202f299a3c51daa103d0706bf30f95e626"
"""Of `schemas/3.0.0.json` in the package @asyncapi/specs 6.11.1."""
PRODUCTS = ("credit_risk", "lending_club")


def validator(schema: Mapping[str, Any]) -> Validator:
    return validator_for(schema)(schema)


@pytest.fixture(scope="module")
def asyncapi_validator() -> Validator:
    return validator(json.loads((OFFICIAL / "asyncapi-3.0.0.json").read_bytes()))


@pytest.fixture(scope="module")
def odcs_validator() -> Validator:
    return validator(json.loads((resources.files("open_data_contract_standard") / "schema.json").read_text("utf-8")))


def arguments(product: str) -> tuple[Any, Any, str, str]:
    contract = load(product)
    return contract, topics_of(contract), "broker:9092", "1.2.3"


def test_the_vendored_schema_is_the_published_one_with_its_licence() -> None:
    assert hashlib.sha256((OFFICIAL / "asyncapi-3.0.0.json").read_bytes()).hexdigest() == ASYNCAPI_SHA256
    assert "Apache License" in (OFFICIAL / "LICENSE").read_text()


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_asyncapi_document_is_valid(product: str, asyncapi_validator: Validator) -> None:
    assert [fault.message for fault in asyncapi_validator.iter_errors(asyncapi(*arguments(product)))] == []


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_data_contract_is_valid(product: str, odcs_validator: Validator) -> None:
    assert [fault.message for fault in odcs_validator.iter_errors(data_contract(*arguments(product)))] == []


def test_the_validators_refuse_what_is_wrong(asyncapi_validator: Validator, odcs_validator: Validator) -> None:
    document, contract = asyncapi(*arguments("credit_risk")), data_contract(*arguments("credit_risk"))
    document["components"]["messages"]["decisions"]["payload"]["schema"] = {"type": "record", "name": "Nameless"}
    contract["schema"][0]["properties"][0]["logicalType"] = "text"

    assert not asyncapi_validator.is_valid(document)
    assert not odcs_validator.is_valid(contract)


def test_every_topic_is_a_channel_with_its_schema_its_retention_and_its_rights() -> None:
    contract, topics, *_ = arguments("credit_risk")
    document = asyncapi(*arguments("credit_risk"))
    operations = document["operations"].values()

    assert list(document["channels"]) == list(Topics.__slots__)
    for name, channel in document["channels"].items():
        topic, payload = getattr(topics, name), document["components"]["messages"][name].get("payload")
        assert channel["address"] == topic.name
        told = channel["bindings"]["kafka"]["topicConfiguration"]
        assert told.get("retention.ms") == (topic.kept and topic.kept.days * 86_400_000)
        assert told["cleanup.policy"] == ["compact" if topic.compacted else "delete"]
        if topic.event in SCHEMA_FILES:
            assert payload["schema"] == avro_schema(topic.event)
        elif name == "applications":
            assert payload["schema"] == contract.schema
        else:
            assert (name, payload) == ("dead_letters", None)
    granted = {
        (right.principal.value, {Operation.READ: "receive", Operation.WRITE: "send"}[right.operation], right.name)
        for right in rights(topics)
        if right.resource is Resource.TOPIC
    }
    assert granted == {
        (each["tags"][0]["name"], each["action"], getattr(topics, each["channel"]["$ref"].rpartition("/")[2]).name)
        for each in operations
    }


def test_the_headers_of_the_document_are_those_that_are_sent() -> None:
    champion = a_champion()
    batch = a_batch(application_bytes(), headers=[(("traceparent", b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01"),)])
    [decision] = score_batch(batch, WRITERS, champion, champion.scorecard.policy, a_wire()).decisions
    sent = [
        decision.headers,
        event_headers(a_decision("a-1", 0.1), "1", "/loan/test"),
        headers_of(load("credit_risk"), "a-1", None),
    ]

    for headers in sent:
        names = {name for name, _ in headers}
        assert names >= CLOUD_EVENTS.keys()
        assert names <= CLOUD_EVENTS.keys() | OPTIONAL_HEADERS.keys()


def test_the_contract_has_every_field_of_a_decision_with_its_words() -> None:
    document = data_contract(*arguments("credit_risk"))
    [table] = document["schema"]
    fields = avro_schema(LoanDecision)["fields"]
    by_name = {each["name"]: each for each in table["properties"]}

    assert [(each["name"], each["description"]) for each in table["properties"]] == [
        (each["name"], each["doc"]) for each in fields
    ]
    assert {name for name, each in by_name.items() if not each["required"]} == {
        each["name"] for each in fields if isinstance(each["type"], list)
    }
    assert by_name["applied_at"]["logicalType"] == "timestamp"
    assert [each["name"] for each in by_name["contributions"]["items"]["properties"]] == [
        "feature",
        "value",
        "contribution",
    ]
    assert {name for name, each in by_name.items() if "classification" in each} == OF_A_PERSON
    assert table["physicalName"] == "loan.decisions.v1"
    assert {"property": "retention", "value": 400, "unit": "d"} in document["slaProperties"]


@pytest.mark.parametrize(("command", "made"), [("asyncapi", asyncapi), ("contract", data_contract)])
def test_the_command_prints_the_document_of_its_settings(
    command: str, made: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOAN_TOPIC_PREFIX", "bank")
    monkeypatch.setenv("LOAN_BOOTSTRAP_SERVERS", "b1:9092,b2:9092")

    with pytest.raises(SystemExit) as ended:
        cli.main(["schemas", command])

    contract = load("credit_risk")
    printed = json.loads(capsys.readouterr().out)
    assert not ended.value.code
    version = printed["info"]["version"] if command == "asyncapi" else printed["version"]
    assert printed == made(contract, topics_of(contract, "bank"), "b1:9092,b2:9092", version)
