import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from schemas.applications import UNSEEN
from schemas.contract.contract import Field, Kind, ReasonText, Role
from schemas.contract.reason_texts import Fact, FactState
from scorecard.reasons import MOST, ReasonBook, ReasonlessError


def feature(name: str, code: str | None) -> Field:
    reason = ReasonText(code, code.title()) if code else None
    return Field(name=name, role=Role.FEATURE, kind=Kind.NUMBER, doc="", column=name, reason=reason)


def book(*codes: str, baseline: list[float] | None = None) -> ReasonBook:
    fields = [feature(f"f{place}", code) for place, code in enumerate(codes)]
    return ReasonBook.of(fields, np.array(baseline or [0.0] * len(codes)))


def codes_of(reasons: ReasonBook, *contributions: float, values: list[float] | None = None) -> list[str]:
    applicant = np.array([values or [0.0] * len(contributions)])
    given = reasons.principal_reasons(applicant, np.array([contributions]))
    return [reasons.texts[place].code for place in given.places[0] if place >= 0]


def test_the_strongest_reason_comes_first_and_what_lowered_risk_is_none():
    assert codes_of(book("A", "B", "C"), 0.1, 0.5, -0.9) == ["B", "A"]


def test_reasons_are_measured_from_those_just_approved():
    assert codes_of(book("A", "B", baseline=[0.4, 0.0]), 0.5, 0.2) == ["B", "A"]


def test_features_of_one_code_are_summed():
    assert codes_of(book("A", "B", "A"), 0.3, 0.4, 0.3) == ["A", "B"]


def test_ties_fall_in_schema_order():
    assert codes_of(book("A", "B", "C"), 0.2, 0.2, 0.2) == ["A", "B", "C"]


def test_four_reasons_are_the_most():
    assert codes_of(book(*"ABCDEF"), 0.1, 0.2, 0.3, 0.4, 0.5, 0.6) == ["F", "E", "D", "C"]


def test_a_feature_without_a_reason_text_is_refused_by_name():
    with pytest.raises(ReasonlessError, match="shoe_size"):
        ReasonBook.of([feature("shoe_size", None)], np.zeros(1))


@given(hnp.arrays(float, (3, 5), elements=st.floats(-2, 2)))
def test_every_reason_but_the_first_raised_the_risk(contributions):
    reasons = book(*"ABCAB")

    given = reasons.principal_reasons(np.zeros((3, 5)), contributions)
    for row, places, reason_of in zip(contributions, *given, strict=True):
        for place in places[1:][places[1:] >= 0]:
            assert np.any(row[reason_of == place] > 0)


def test_who_is_safer_than_the_just_approved_is_given_the_strongest_all_the_same():
    assert codes_of(book("A", "B", "C"), -0.3, -0.1, -0.9) == ["B"]


@given(hnp.arrays(float, (3, 5), elements=st.floats(-2, 2)))
def test_there_is_always_a_reason(contributions):
    reasons = book(*"ABCAB")

    places = reasons.principal_reasons(np.zeros((3, 5)), contributions).places
    assert places.shape == (3, MOST)
    assert (places[:, 0] >= 0).all()


def a_field_with_facts(name: str, *facts: Fact, levels: tuple[str, ...] = ()) -> Field:
    """A feature with a text that states facts, "STATED", and a neutral one, "NEUTRAL"."""
    return Field(
        name=name,
        role=Role.FEATURE,
        kind=Kind.CATEGORY if levels else Kind.NUMBER,
        doc="",
        column=name,
        levels=levels,
        reason=ReasonText("NEUTRAL", "Neutral"),
        reasons=(ReasonText("STATED", "Stated", facts),),
    )


@pytest.mark.parametrize(
    ("state", "value", "code"),
    [
        (FactState.LOW, 4.0, "STATED"),
        (FactState.LOW, 5.0, "NEUTRAL"),
        (FactState.HIGH, 6.0, "STATED"),
        (FactState.HIGH, 5.0, "NEUTRAL"),
        (FactState.HIGH, np.nan, "NEUTRAL"),
        (FactState.MISSING, np.nan, "STATED"),
        (FactState.MISSING, 4.0, "NEUTRAL"),
    ],
)
def test_a_text_is_told_to_those_alone_of_whom_its_fact_is_true(state: FactState, value: float, code: str):
    reasons = ReasonBook.of([a_field_with_facts("f", Fact("f", state))], np.zeros(1), np.array([5.0]))

    assert codes_of(reasons, 0.3, values=[value]) == [code]


@pytest.mark.parametrize(
    ("value", "code"), [(0.0, "STATED"), (1.0, "NEUTRAL"), (UNSEEN, "NEUTRAL"), (np.nan, "NEUTRAL")]
)
def test_a_text_about_levels_is_told_to_those_levels(value: float, code: str):
    verified = a_field_with_facts("f", Fact("f", FactState.LEVEL, ("No",)), levels=("No", "Yes"))
    reasons = ReasonBook.of([verified], np.zeros(1), np.array([np.nan]))

    assert codes_of(reasons, 0.3, values=[value]) == [code]


def test_of_several_facts_all_must_be_true():
    both = a_field_with_facts("f", Fact("f", FactState.LOW), Fact("g", FactState.HIGH))
    reasons = ReasonBook.of([both, feature("g", "G")], np.zeros(2), np.array([5.0, 5.0]))

    assert codes_of(reasons, 0.3, 0.0, values=[4.0, 6.0]) == ["STATED"]
    assert codes_of(reasons, 0.3, 0.0, values=[4.0, 4.0]) == ["NEUTRAL"]


def test_without_what_is_typical_no_direction_is_stated():
    reasons = ReasonBook.of([a_field_with_facts("f", Fact("f", FactState.LOW))], np.zeros(1))

    assert codes_of(reasons, 0.3, values=[-1e9]) == ["NEUTRAL"]


def test_features_that_share_a_fact_give_one_reason():
    shared = Fact("f", FactState.LOW)
    reasons = ReasonBook.of(
        [a_field_with_facts("f", shared), a_field_with_facts("g", shared)], np.zeros(2), np.array([5.0, 5.0])
    )

    assert codes_of(reasons, 0.3, 0.2, values=[4.0, 9.0]) == ["STATED"]


def test_who_is_owed_a_reason_is_not_told_what_none_of_their_features_stands_for():
    """Not even where all that they stand for lowered the risk: a code with no features behind it weighs nothing."""
    reasons = ReasonBook.of([a_field_with_facts("f", Fact("f", FactState.LOW))], np.zeros(1), np.array([5.0]))

    assert codes_of(reasons, -0.3, values=[9.0]) == ["NEUTRAL"]
