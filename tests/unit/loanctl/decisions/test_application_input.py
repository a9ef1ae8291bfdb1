"""One application as a person gives it."""

import json
from datetime import UTC, datetime

import pytest

from loanctl.decisions import application_input
from loanctl.decisions.application_input import InvalidApplicationError
from tests.builders import CONTRACT
from tests.unit.gateway.calls import a_body

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_example_can_be_scored_as_it_is() -> None:
    record = application_input.record(CONTRACT, json.dumps(application_input.example(CONTRACT)).encode(), "a-1", NOW)

    assert (record["application_id"], record["applied_at"]) == ("a-1", NOW)


def test_its_own_id_and_time_go_before() -> None:
    body = json.dumps(a_body(application_id="mine", applied_at="2026-02-01T00:00:00Z")).encode()

    record = application_input.record(CONTRACT, body, "a-1", NOW)

    assert (record["application_id"], record["applied_at"]) == ("mine", datetime(2026, 2, 1, tzinfo=UTC))


def test_every_field_at_fault_is_named_and_no_value() -> None:
    body = json.dumps(a_body(person_age=17, loan_intent="SECRET-YACHT", unknown=1)).encode()

    with pytest.raises(InvalidApplicationError) as fault:
        application_input.record(CONTRACT, body, "a-1", NOW)

    for name in ("person_age", "loan_intent", "unknown"):
        assert name in str(fault.value)
    assert "SECRET" not in str(fault.value)
    assert "17" not in str(fault.value)


def test_a_contradiction_is_refused() -> None:
    body = json.dumps(a_body(loan_percent_income=0.9)).encode()

    with pytest.raises(InvalidApplicationError, match="contradicts"):
        application_input.record(CONTRACT, body, "a-1", NOW)


def test_what_is_typed_at_prompts_is_the_same_application() -> None:
    answers = {field.label: str(a_body().get(field.name, "")) for field in CONTRACT.observed}

    body = application_input.prompt_fields(
        CONTRACT, lambda question: answers[question.split(" [")[0].split(" (")[0].split(",")[0]]
    )

    assert application_input.record(CONTRACT, body, "a", NOW) == application_input.record(
        CONTRACT, json.dumps(a_body()).encode(), "a", NOW
    )
