from decimal import Decimal

import numpy as np
import pytest

from schemas.applications import UNSEEN, Fault, faults, invalid
from schemas.contract.contract import Contract
from tests.builders import CONTRACT, an_application, applications


def column(name: str) -> int:
    return CONTRACT.position[name]


def contract_with(name: str, **attributes) -> Contract:
    fields = [{**spec, **attributes} if spec["name"] == name else spec for spec in CONTRACT.schema["fields"]]
    return Contract.of({**CONTRACT.schema, "fields": fields})


def fault_of(**fields) -> tuple[Fault, str]:
    found = faults(CONTRACT, applications(an_application(**fields)).values)
    place = int(found.columns[0])
    return Fault(found.codes[0]), CONTRACT.observed[place].name if place >= 0 else ""


def test_numbers_stand_as_themselves_and_categories_as_places_of_their_levels():
    values = applications(an_application(loan_intent="VENTURE", loan_amnt=Decimal("123.45"))).values[0]

    assert values[column("loan_amnt")] == 123.45
    assert values[column("loan_intent")] == 2.0


def test_an_absent_value_is_nan_and_an_undeclared_category_is_unseen():
    values = applications(an_application(person_emp_length=None, loan_intent="SPACESHIP")).values[0]

    assert np.isnan(values[column("person_emp_length")])
    assert values[column("loan_intent")] == UNSEEN


def test_an_absent_ratio_is_computed_from_its_parts():
    values = applications(an_application(loan_percent_income=None)).values[0]

    assert values[column("loan_percent_income")] == pytest.approx(10_000 / 50_000)


def test_a_usual_application_has_no_fault():
    assert fault_of() == (Fault.NONE, "")


@pytest.mark.parametrize(
    ("fields", "fault", "name"),
    [
        ({"person_income": Decimal(0)}, Fault.OUT_OF_RANGE, "person_income"),
        ({"person_income": Decimal(-5)}, Fault.OUT_OF_RANGE, "person_income"),
        ({"person_emp_length": 123.0}, Fault.OUT_OF_RANGE, "person_emp_length"),
        ({"person_emp_length": float("nan")}, Fault.NOT_FINITE, "person_emp_length"),
        ({"person_emp_length": float("inf")}, Fault.NOT_FINITE, "person_emp_length"),
        ({"person_emp_length": 50.0}, Fault.CONTRADICTORY, "person_emp_length"),
        ({"loan_percent_income": 0.9}, Fault.CONTRADICTORY, "loan_percent_income"),
    ],
)
def test_what_cannot_be_scored_is_named_with_its_field(fields, fault, name):
    assert fault_of(**fields) == (fault, name)


def test_a_watched_field_out_of_range_keeps_no_application_from_being_scored():
    assert fault_of(person_age=144) == (Fault.NONE, "")
    assert fault_of(person_age=None) == (Fault.NONE, "")


@pytest.mark.parametrize("level", ["SPACESHIP", "medical", " MEDICAL", "?", ""])
def test_a_level_that_is_not_declared_to_the_letter_is_unknown(level):
    assert fault_of(loan_intent=level) == (Fault.UNKNOWN_LEVEL, "loan_intent")


def test_an_unknown_level_is_scored_where_the_contract_says_so():
    contract = contract_with("loan_intent", unknown="score")

    found = faults(contract, applications(an_application(loan_intent="SPACESHIP")).values)

    assert Fault(found.codes[0]) is Fault.NONE


def test_a_price_is_at_fault_only_where_prices_are_scored():
    values = applications(an_application(loan_grade="Z")).values

    assert Fault(faults(CONTRACT, values).codes[0]) is Fault.NONE
    assert Fault(faults(CONTRACT, values, with_pricing=True).codes[0]) is Fault.UNKNOWN_LEVEL


@pytest.mark.parametrize("number", [1e39, -1e39, float(np.finfo(np.float32).max) * 1.0001])
def test_a_number_that_is_infinite_to_a_forest_is_out_of_range_whatever_the_contract_says(number):
    contract = contract_with("person_emp_length", range=[float("-inf"), float("inf")], at_most=None)
    values = applications(an_application(person_emp_length=number)).values

    assert Fault(faults(contract, values).codes[0]) is Fault.OUT_OF_RANGE
    assert invalid(contract, values).sum() == 1


def test_invalid_cells_are_told_of_every_observed_field():
    values = applications(an_application(person_age=144, loan_int_rate=float("nan"))).values

    wrong = invalid(CONTRACT, values)[0]

    assert [CONTRACT.observed[place].name for place in np.flatnonzero(wrong)] == ["person_age", "loan_int_rate"]
