import copy
import json
from dataclasses import replace

import fastavro
import pytest

from schemas.codec.application_decoder import ApplicationReader
from schemas.codec.wire_format import frame
from schemas.contract.contract import Contract, ContractError, Kind, load
from schemas.contract.field_rules import declaration_problem
from schemas.contract.protected_characteristics import ProtectedCharacteristic
from tests.builders import CONTRACT, an_application


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
        ({"name": "loan_amnt", "protected": "sex"}, "is protected .sex. and cannot be scored"),
        ({"name": "loan_intent", "protected": "marital_status"}, "cannot be scored"),
        (
            {"name": "loan_intent", "protected": "medical", "scored_as": {}},
            "is protected .medical. and cannot be scored",
        ),
        ({"name": "loan_intent", "scored_as": {"MEDICAL": "GOLF"}}, "not declared"),
        ({"name": "person_age", "role": "feature"}, "no age of 62 or more may count against"),
        ({"name": "person_age", "role": "feature", "monotone": 1}, "no age of 62 or more may count against"),
        ({"name": "loan_amnt", "protected": "shoe size"}, "malformed"),
        ({"name": "loan_intent", "reasons": [{"code": "X", "text": "X", "when": {"loan_intent": "low"}}]}, "low"),
        (
            {"name": "loan_intent", "reasons": [{"code": "X", "text": "X", "when": {"loan_intent": ["GOLF"]}}]},
            "declare",
        ),
        (
            {"name": "loan_intent", "reasons": [{"code": "X", "text": "X", "when": {"loan_amnt": "missing"}}]},
            "may not be",
        ),
        ({"name": "loan_intent", "reasons": [{"code": "X", "text": "X", "when": {"person_age": "low"}}]}, "not scored"),
        ({"name": "loan_intent", "reasons": [{"code": "X", "text": "X", "when": {"loan_amnt": "high"}}]}, "monotone"),
        (
            {"name": "loan_intent", "reasons": [{"code": "X", "text": "X", "when": {"loan_percent_income": "low"}}]},
            "fall",
        ),
        ({"name": "loan_intent", "reason": {"code": "RESIDENCE", "text": "Another text"}}, "another text"),
        ({"name": "loan_intent", "reason": "nothing"}, "malformed"),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(change, words):
    with pytest.raises(ContractError, match=words):
        Contract.of(with_field(**change))


def test_the_fingerprint_changes_with_any_attribute():
    changed = Contract.of(with_field(name="loan_amnt", range=[1, 999]))

    assert changed.fingerprint != CONTRACT.fingerprint


def as_java_writes(field):
    text = {"type": "string", "avro.java.string": "String"}
    kind = field["type"]
    field["type"] = (
        text
        if kind == "string"
        else [text if each == "string" else each for each in kind]
        if isinstance(kind, list)
        else kind
    )


def as_enums(field):
    if "levels" in field and field["type"] == "string":
        field["type"] = {"type": "enum", "name": field["name"].title().replace("_", ""), "symbols": field["levels"]}
        del field["levels"]


@pytest.mark.parametrize("change", [as_java_writes, as_enums])
def test_a_word_of_another_type_is_a_category_with_the_same_levels(change):
    ours = load("credit_risk")
    schema = json.loads(json.dumps(ours.schema))
    for field in schema["fields"]:
        change(field)

    contract = Contract.of(schema)

    assert [(f.kind, f.levels, f.nullable) for f in contract.fields] == [
        (f.kind, f.levels, f.nullable) for f in ours.fields
    ]
    record = an_application(loan_grade="C")
    decoded = ApplicationReader(contract).read([frame(7, fastavro.parse_schema(schema), record)], {7: schema})
    assert decoded.applications.values[0, contract.position["loan_grade"]] == 2.0


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "array", "items": "string"},
        {"type": "map", "values": "int"},
        {"type": "record", "name": "R", "fields": []},
        {"type": "bytes", "logicalType": "decimal", "precision": 40, "scale": 2},
        "bytes",
        "unheard of",
        ["int", "string"],
    ],
)
def test_a_type_that_is_neither_number_nor_category_is_told_with_its_field(kind):
    schema = json.loads(json.dumps(load("credit_risk").schema))
    next(field for field in schema["fields"] if field["name"] == "loan_amnt")["type"] = kind

    with pytest.raises(ContractError, match="loan_amnt") as raised:
        Contract.of(schema)

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "kind"), [("application_id", "long"), ("applied_at", "long"), ("applied_at", "string")]
)
def test_id_and_event_time_have_the_types_that_every_reader_expects(name, kind):
    schema = json.loads(json.dumps(load("credit_risk").schema))
    next(field for field in schema["fields"] if field["name"] == name)["type"] = kind

    with pytest.raises(ContractError, match=name):
        Contract.of(schema)


def test_an_age_that_risk_never_rises_with_may_be_scored():
    contract = Contract.of(
        with_field(name="person_age", role="feature", monotone=-1, reason={"code": "AGE", "text": "Age"})
    )

    assert "person_age" in [field.name for field in contract.scored()]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("person_age", "age"), ("ageOfApplicant", "age"), ("gender", "sex"), ("personal_status_sex", "sex"),
        ("ethnic_group", "race"), ("maritalStatus", "marital_status"), ("NATIONALITY", "national_origin"),
        ("religion", "religion"), ("disability_benefit", "disability"),
    ],
)  # fmt: skip
def test_a_scored_field_whose_name_tells_a_protected_characteristic_must_say_so(name, kind):
    field = replace(CONTRACT.field("loan_amnt"), name=name)

    assert f"({kind})" in declaration_problem([field])
    assert declaration_problem([replace(field, exempt=True)]) == ""


@pytest.mark.parametrize("name", ["mortgage", "average_balance", "wage", "usage", "trace", "sextant", "loan_amnt"])
def test_a_name_that_only_contains_such_a_word_need_not(name):
    assert declaration_problem([replace(CONTRACT.field("loan_amnt"), name=name)]) == ""


def test_a_medical_level_that_is_scored_freely_must_be_declared_too():
    free = replace(CONTRACT.field("loan_intent"), protected=ProtectedCharacteristic.NONE, scored_as=())

    assert "(medical)" in declaration_problem([free])
    assert declaration_problem([CONTRACT.field("loan_intent")]) == ""


@pytest.mark.parametrize("product", ["credit_risk", "lending_club"])
def test_packaged_contracts_declare_what_is_protected(product):
    assert declaration_problem(load(product).scored(with_pricing=True)) == ""


def test_the_performance_window_is_the_contract_s_and_none_where_it_has_none():
    schema = dict(load("credit_risk").schema)
    label = {**schema["label"], "outcome_after_days": 365}

    assert Contract.of(schema).label.outcome_after_days == 0
    assert Contract.of({**schema, "label": label}).label.outcome_after_days == 365
    assert Contract.of({**schema, "label": label}).fingerprint == Contract.of(schema).fingerprint


@pytest.mark.parametrize("days", [-1, 3_651, "365", None, True])
def test_a_performance_window_of_no_days_is_refused(days):
    schema = dict(load("credit_risk").schema)

    with pytest.raises(ContractError, match="malformed"):
        Contract.of({**schema, "label": {**schema["label"], "outcome_after_days": days}})


def test_an_age_in_bands_is_compared_by_its_bands():
    bands = with_field(
        name="loan_intent",
        role="watched",
        protected="age",
        scored_as={},
        levels=["under 30", "30 to 61", "62 and over"],
    )
    field = Contract.of(bands).field("loan_intent")

    assert (field.kind, field.groups) == (Kind.CATEGORY, ())
