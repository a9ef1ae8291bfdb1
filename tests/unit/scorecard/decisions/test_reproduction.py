"""A decision made again is the same, or says what has changed; each input altered in turn."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec.wire_format import HEADER, MAGIC
from schemas.events.decisions import Outcome
from scorecard.decisions.reproduction import (
    Change,
    DecisionCopy,
    changes,
    decision_identity,
    differences,
    own_copy,
    recomputation,
    recomputation_from_values,
)
from scorecard.policy import Policy
from tests.builders import WRITERS, a_batch, a_champion, a_wire, application_bytes

CHAMPION, WIRE, POLICY = a_champion(), a_wire(), Policy(0.2, 0.6)


def copy_of(application: bytes, champion: Any = CHAMPION, policy: Policy = POLICY, offset: int = 0) -> DecisionCopy:
    [record] = recomputation(a_batch(application, first_offset=offset), WRITERS, champion, policy, WIRE)
    made = own_copy(record)
    assert made is not None
    return made


def with_fields(copy: DecisionCopy, **fields: Any) -> DecisionCopy:
    return DecisionCopy(copy.value, {**copy.fields, **fields})


def test_a_decision_made_again_is_the_same():
    application = application_bytes(loan_percent_income=0.3)

    assert changes(copy_of(application), copy_of(application), application) == ()
    assert copy_of(application).value == copy_of(application).value


def test_its_id_is_that_of_the_writer():
    application = application_bytes()
    made = copy_of(application).fields

    named = decision_identity("a-1", application, made["scorecard_digest"], made["policy_version"])

    assert made["decision_id"] == named


def test_a_record_that_cannot_be_read_has_no_decision():
    batch = a_batch(application_bytes(), b"", application_bytes())

    found = [own_copy(record) for record in recomputation(batch, WRITERS, CHAMPION, POLICY, WIRE)]

    assert [copy and copy.fields["source_offset"] for copy in found] == [0, None, 2]
    assert changes(copy_of(application_bytes()), None, b"") == (Change.BYTES,)


@pytest.mark.parametrize(
    ("again", "application", "expected"),
    [
        (copy_of(application_bytes(loan_percent_income=0.3)), application_bytes(loan_percent_income=0.3), "bytes"),
        (copy_of(application_bytes(), a_champion("2")), application_bytes(), "scorecard"),
        (
            copy_of(application_bytes(), replace(CHAMPION, scorecard=replace(CHAMPION.scorecard, digest="e" * 64))),
            application_bytes(),
            "scorecard",
        ),
        (copy_of(application_bytes(), policy=Policy(0.1, 0.6)), application_bytes(), "policy"),
        (copy_of(application_bytes(), a_champion("2"), Policy(0.1, 0.6)), application_bytes(), "scorecard policy"),
        (with_fields(copy_of(application_bytes()), source_schema_id=8), application_bytes(), "schema"),
        (with_fields(copy_of(application_bytes()), margin=0.5), application_bytes(), "code"),
        (with_fields(copy_of(application_bytes()), outcome=Outcome.DECLINE), None, "code"),
    ],
)
def test_what_differs_is_named(again: DecisionCopy, application: bytes, expected: str):
    found = changes(copy_of(application_bytes()), again, application)

    assert " ".join(found) == expected


def test_another_schema_of_decisions_with_the_same_values_is_no_change():
    made = copy_of(application_bytes())
    other = DecisionCopy(HEADER.pack(MAGIC, 99) + (made.value or b"")[HEADER.size :], made.fields)

    assert changes(other, made, application_bytes()) == ()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"policy_version": "p-00000000"}, "policy"),
        ({"scorecard_digest": "f" * 64}, "scorecard"),
        ({"application_id": "another"}, "code"),
        ({"decision_id": "another"}, "bytes"),
        ({"probability": 0.01}, "code"),
    ],
)
def test_an_altered_record_is_found_by_what_was_altered(fields: dict[str, Any], expected: str):
    made, application = copy_of(application_bytes()), application_bytes()

    assert " ".join(changes(with_fields(made, **fields), made, application)) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "loan_percent_income": st.floats(0.11, 0.31),
            "person_emp_length": st.one_of(st.none(), st.floats(0, 40)),
            "person_home_ownership": st.sampled_from(["RENT", "OTHER", "CASTLE"]),
            "loan_intent": st.sampled_from(["EDUCATION", "HOMEIMPROVEMENT", "YACHT"]),
        }
    )
)
def test_the_values_of_a_decision_give_all_of_it_but_its_id(fields: dict[str, Any]):
    made = copy_of(application_bytes(**fields), offset=7)

    again = recomputation_from_values(made.fields, CHAMPION, POLICY, WIRE)

    assert (again is None) == (made.fields["fault"] is not None)
    assert again is None or differences(made.fields, again.fields) == ()


def test_altered_values_do_not_give_the_decision():
    made = copy_of(application_bytes())

    def again(feature: str, value: float) -> set[str]:
        given = [
            {**each, "value": value} if each["feature"] == feature else each for each in made.fields["contributions"]
        ]
        found = recomputation_from_values({**made.fields, "contributions": given}, CHAMPION, POLICY, WIRE)
        assert found is not None
        return set(differences(made.fields, found.fields))

    assert {"probability", "margin"} < again("loan_amnt", 14_000.0)
    # The ratio follows from its parts.
    assert again("loan_percent_income", 0.25) == {"contributions"}


def test_values_of_another_scorecards_features_give_nothing():
    made = copy_of(application_bytes())
    fewer = {**made.fields, "contributions": made.fields["contributions"][1:]}

    assert recomputation_from_values(fewer, CHAMPION, POLICY, WIRE) is None
