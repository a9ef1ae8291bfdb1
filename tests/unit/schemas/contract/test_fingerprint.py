"""A contract's fingerprint moves with what changes an answer, and with nothing else."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from schemas.contract import fingerprint as fingerprints
from schemas.contract.contract import Contract, load

PACKAGED = ("credit_risk", "lending_club")
Edit = Callable[[dict[str, Any]], object]


def field(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    return next(spec for spec in schema["fields"] if spec["name"] == name)


def contract_with(edit: Edit, product: str = "credit_risk") -> Contract:
    schema = copy.deepcopy(dict(load(product).schema))
    edit(schema)
    return Contract.of(schema)


PROSE: list[Edit] = [
    lambda s: s.update(doc="Another word."),
    lambda s: field(s, "loan_amnt").update(doc="Another word."),
    lambda s: field(s, "loan_amnt").update(metric="another_histogram"),
    lambda s: field(s, "loan_amnt").update(column="amount"),
    lambda s: field(s, "loan_amnt").update(title="Amount"),
    lambda s: s.update(label={"column": "bad", "default": "yes", "repaid": "no"}),
    lambda s: field(s, "person_income").update(range=[1.0, 1e7]),
    lambda s: field(s, "loan_intent").update(unknown="refer", monotone=0, missing=False),
    lambda s: s["fields"].append({"name": "note", "type": "string", "default": "", "role": "ignored", "doc": "."}),
]

ANSWERS: list[Edit] = [
    lambda s: s.update(product="another"),
    lambda s: field(s, "loan_intent").update(name="purpose"),
    lambda s: field(s, "cb_person_cred_hist_length").update(type="double"),
    lambda s: field(s, "cb_person_cred_hist_length").update(type=["null", "int"]),
    lambda s: field(s, "loan_int_rate").update(role="watched"),
    lambda s: field(s, "loan_amnt").update(range=[1, 999_999]),
    lambda s: field(s, "loan_amnt").update(unit="EUR"),
    lambda s: field(s, "loan_intent").update(levels=["MEDICAL", "DEBTCONSOLIDATION"]),
    lambda s: field(s, "loan_intent").update(unknown="score"),
    lambda s: field(s, "loan_int_rate").update(missing=False),
    lambda s: field(s, "person_emp_length").update(monotone=0),
    lambda s: field(s, "person_emp_length").pop("at_most"),
    lambda s: field(s, "loan_percent_income").update(ratio_of=["person_income", "loan_amnt"]),
    lambda s: field(s, "loan_percent_income").update(tolerance=0.2),
    lambda s: field(s, "loan_amnt").update(reason={"code": "AMOUNT", "text": "Too much"}),
    lambda s: field(s, "cb_person_default_on_file").pop("reasons"),
    lambda s: s["fields"].reverse(),
]


@pytest.mark.parametrize("edit", PROSE)
def test_prose_and_what_no_answer_depends_on_leave_it(edit: Edit):
    assert contract_with(edit).fingerprint == load("credit_risk").fingerprint


@pytest.mark.parametrize("edit", ANSWERS)
def test_what_changes_an_answer_moves_it_and_is_not_served(edit: Edit):
    before, after = load("credit_risk"), contract_with(edit)

    assert after.fingerprint != before.fingerprint
    assert not after.serves(before.fingerprint, before.field_digests)


@pytest.mark.parametrize("place", [2, 7, 13])
def test_a_contract_with_one_more_field_serves_what_was_made_before_and_not_the_other_way(place: int):
    more = {"name": "dependents", "type": ["null", "int"], "default": None, "role": "feature", "missing": True}
    before = load("credit_risk")
    after = contract_with(lambda s: s["fields"].insert(place, {**more, "doc": "Persons."}))

    assert after.fingerprint != before.fingerprint
    assert after.serves(before.fingerprint, before.field_digests)
    assert not before.serves(after.fingerprint, after.field_digests)


def test_a_contract_that_gains_levels_serves_what_was_made_before_and_not_the_other_way():
    before = load("credit_risk")
    after = contract_with(
        lambda s: (
            field(s, "loan_intent")["levels"].extend(["WEDDING", "TRAVEL"]),
            field(s, "person_home_ownership")["levels"].append("CARAVAN"),
        )
    )

    assert after.fingerprint != before.fingerprint
    assert after.serves(before.fingerprint, before.field_digests)
    assert not before.serves(after.fingerprint, after.field_digests)


def test_a_level_gained_before_others_or_another_change_beside_it_is_not_served():
    """Codes of the other levels would move; and each change of an answer counts, whatever else changes."""
    before = load("credit_risk")
    for change in (
        lambda s: field(s, "loan_intent")["levels"].insert(0, "WEDDING"),
        lambda s: (
            field(s, "loan_intent")["levels"].append("WEDDING"),
            field(s, "loan_intent").update(unknown="score"),
        ),
        lambda s: (field(s, "loan_intent")["levels"].append("WEDDING"), field(s, "loan_amnt").update(unit="EUR")),
    ):
        assert not contract_with(change).serves(before.fingerprint, before.field_digests)


def test_fields_of_another_product_are_not_these():
    other = contract_with(lambda s: s.update(product="another"))

    assert not fingerprints.extends(other.schema, load("credit_risk").field_digests)


def test_nothing_is_extended_where_nothing_is_known():
    assert not load("credit_risk").serves("0" * 64)
    assert not load("credit_risk").serves("0" * 64, [])


def test_a_schema_that_is_the_same_in_every_word_serves_what_named_all_its_text():
    own = contract_with(lambda s: s.update(doc="A lender's own words."))

    assert own.serves(fingerprints.text_digest(own.schema))
    assert contract_with(lambda s: field(s, "loan_amnt").update(title="Another")).serves(
        fingerprints.text_digest(load("credit_risk").schema)
    )


def test_packaged_schemas_serve_scorecards_that_named_their_text_before():
    """If this fails, a packaged schema changed what it answers: FORMER's line of it has had its day."""
    kept = set(fingerprints.FORMER.values())

    assert kept == {load(product).fingerprint for product in PACKAGED}
