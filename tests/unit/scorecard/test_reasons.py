import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from schemas.contract import Field, Kind, ReasonText, Role
from scorecard.reasons import MOST, ReasonBook, ReasonlessError


def feature(name: str, code: str | None) -> Field:
    reason = ReasonText(code, code.title()) if code else None
    return Field(name=name, role=Role.FEATURE, kind=Kind.NUMBER, doc="", column=name, reason=reason)


def book(*codes: str, baseline: list[float] | None = None) -> ReasonBook:
    fields = [feature(f"f{place}", code) for place, code in enumerate(codes)]
    return ReasonBook.of(fields, np.array(baseline or [0.0] * len(codes)))


def codes_of(reasons: ReasonBook, *contributions: float) -> list[str]:
    places = reasons.principal(np.array([contributions]))[0]
    return [reasons.texts[place].code for place in places if place >= 0]


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

    for row, places in zip(contributions, reasons.principal(contributions), strict=True):
        for place in places[1:][places[1:] >= 0]:
            assert np.any(row[reasons.code_of == place] > 0)


def test_who_is_safer_than_the_just_approved_is_given_the_strongest_all_the_same():
    assert codes_of(book("A", "B", "C"), -0.3, -0.1, -0.9) == ["B"]


@given(hnp.arrays(float, (3, 5), elements=st.floats(-2, 2)))
def test_there_is_always_a_reason(contributions):
    reasons = book(*"ABCAB")

    places = reasons.principal(contributions)
    assert places.shape == (3, MOST)
    assert (places[:, 0] >= 0).all()
