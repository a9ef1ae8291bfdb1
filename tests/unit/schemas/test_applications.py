from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.applications import UNSEEN, Fault, faults, from_records, invalid
from schemas.contract.contract import Kind
from tests.builders import CONTRACT, an_application, applications, contract_with


def column(name: str) -> int:
    return CONTRACT.position[name]


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


NUMBERS = st.sampled_from([None, 0.0, -0.0, -1.0, 0.2, 5.0, 50.0, 1e39, float("inf"), float("nan")])
LEVELS = st.sampled_from([None, "RENT", "MEDICAL", "Y", "A", "SPACESHIP"])
ANY_RECORDS = st.fixed_dictionaries(
    {
        field.name: LEVELS if field.kind is Kind.CATEGORY else st.one_of(NUMBERS, st.just(value))
        for field in CONTRACT.observed
        for value in [an_application()[field.name]]
    }
)


@pytest.mark.parametrize("with_pricing", [False, True])
@given(st.lists(ANY_RECORDS, min_size=1, max_size=4))
def test_the_quick_check_passes_no_application_that_has_a_fault_and_stops_none_without_but_of_a_ratio_over_nothing(
    with_pricing, given_fields
):
    records = [an_application(**fields) for fields in given_fields]

    passed = np.array([CONTRACT.screen(with_pricing=with_pricing).passes(record) for record in records])

    faultless = faults(CONTRACT, from_records(CONTRACT, records).values, with_pricing=with_pricing).codes == Fault.NONE
    over_nothing = np.array([not record["person_income"] for record in records])
    assert np.array_equal(passed, faultless & ~over_nothing)
