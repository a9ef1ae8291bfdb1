import copy
import json

import pytest

from schemas.contract import Contract, ContractError, Kind, load
from tests.builders import CONTRACT


def spec(name: str) -> dict:
    schema = json.loads(json.dumps(CONTRACT.schema))
    return next(field for field in schema["fields"] if field["name"] == name)


def with_field(**changes) -> dict:
    schema = copy.deepcopy(json.loads(json.dumps(CONTRACT.schema)))
    for field in schema["fields"]:
        if field["name"] == changes["name"]:
            field.update(changes)
    return schema


def test_eleven_columns_are_observed_and_eight_may_be_scored_without_pricing():
    assert len(CONTRACT.observed) == 11
    assert len(CONTRACT.scored()) == 8
    assert len(CONTRACT.scored(with_pricing=True)) == 10


def test_age_is_watched_and_never_scored():
    assert "person_age" not in [field.name for field in CONTRACT.scored(with_pricing=True)]
    assert "person_age" in CONTRACT.position


def test_every_feature_that_may_be_scored_has_a_reason_text():
    assert all(field.reason and field.reason.text for field in CONTRACT.scored(with_pricing=True))


def test_money_is_a_number_and_intent_a_category():
    kinds = {field.name: field.kind for field in CONTRACT.observed}

    assert kinds["person_income"] is Kind.NUMBER
    assert kinds["loan_intent"] is Kind.CATEGORY


def test_an_unknown_product_is_refused_with_the_names_of_those_there_are():
    with pytest.raises(ContractError, match="credit_risk"):
        load("mortgages")


def test_a_file_that_is_no_schema_is_refused_by_its_name(tmp_path):
    path = tmp_path / "broken.avsc"
    path.write_text("{", encoding="utf-8")

    with pytest.raises(ContractError, match=r"broken\.avsc"):
        load(str(path))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "loan_intent", "levels": []}, "category without levels"),
        ({"name": "loan_amnt", "range": [10, 1]}, "ends before it begins"),
        ({"name": "loan_amnt", "missing": True}, "no null"),
        ({"name": "loan_amnt", "at_most": "nothing"}, "refers to a field"),
        ({"name": "applied_at", "role": "ignored"}, "event_time"),
        ({"name": "loan_amnt", "role": "decoration"}, "malformed"),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(change, words):
    with pytest.raises(ContractError, match=words):
        Contract.of(with_field(**change))
