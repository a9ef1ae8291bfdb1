"""Why two schemas do not go together."""

from typing import Any

from loanctl.commands.cluster.schemas import differences, subjects
from schemas.contract.contract import load
from schemas.topics import Compatibility, topics_of


def a_record(*fields: dict[str, Any], name: str = "Thing") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields)}


NUMBER = {"name": "x", "type": "int"}


def test_equal_records_do_not_differ() -> None:
    assert differences(a_record(NUMBER), a_record(NUMBER)) == ()


def test_a_field_without_a_default_is_named_when_added_and_when_removed() -> None:
    other = {"name": "y", "type": "int"}

    assert differences(a_record(NUMBER), a_record(NUMBER, other)) == ("y is added without a default",)
    assert differences(a_record(NUMBER, other), a_record(NUMBER)) == ("y is removed and had no default",)


def test_a_field_with_a_default_may_come_and_go() -> None:
    other = {"name": "y", "type": ["null", "int"], "default": None}

    assert differences(a_record(NUMBER), a_record(NUMBER, other)) == ()
    assert differences(a_record(NUMBER, other), a_record(NUMBER)) == ()


def test_another_type_and_another_name_are_told() -> None:
    changed = a_record({"name": "x", "type": "string"}, name="Other")

    assert differences(a_record(NUMBER), changed) == ("the record is renamed from Thing", "x changes its type")


def test_every_topic_with_a_schema_is_a_subject_and_dead_letters_are_none() -> None:
    contract = load("credit_risk")
    topics = topics_of(contract, "p")
    found = {subject.name: subject.compatibility for subject in subjects(contract, topics)}

    assert found["p.applications.v1-value"] is Compatibility.BACKWARD_TRANSITIVE
    assert found["p.decisions.v1-value"] is Compatibility.FULL_TRANSITIVE
    assert "p.applications.v1.dlq-value" not in found
    assert len(found) == len(topics.all()) - 1
