"""Champion and challenger on the same applications."""

import json
from typing import Any

import numpy as np
import pytest

from loanctl.reports.challenger_comparison import Comparison, Pair, Statement, comparison
from schemas.events.decisions import ContributionSpace, Outcome
from tests.decisions import outcome_of

TEN = 10
"""Times the same pairs: of fewer than ten people no mean is told."""


def a_statement(probability: float | None, reasons: str = "", **contributions: float) -> Statement:
    return Statement(
        outcome=outcome_of(probability),
        probability=probability,
        space=ContributionSpace.LOG_ODDS,
        contributions=contributions,
        reasons=frozenset(reasons.split()),
    )


def a_pair(name: str, champion: Statement, challenger: Statement) -> Pair:
    return Pair(application_id=name, champion=champion, challenger=challenger)


def compare(*probabilities: tuple[float | None, float | None], known: dict[str, bool] | None = None) -> Comparison:
    pairs = [
        a_pair(f"a{place}", a_statement(ours), a_statement(theirs))
        for place, (ours, theirs) in enumerate(probabilities)
    ]
    return comparison(pairs, known or {})


def test_who_would_flip_is_told_from_the_champions_outcome_to_the_challengers() -> None:
    found = compare((0.1, 0.1), (0.1, 0.3), (0.1, 0.9), (0.1, 0.4), (0.7, 0.1))

    assert [(flip.before, flip.after, flip.count, flip.examples) for flip in found.flips] == [
        (Outcome.APPROVE, Outcome.REFER, 2, ("a1", "a3")),
        (Outcome.APPROVE, Outcome.DECLINE, 1, ("a2",)),
        (Outcome.DECLINE, Outcome.APPROVE, 1, ("a4",)),
    ]
    assert (found.pairs, found.flip_count) == (5, 4)


def test_by_how_much_is_the_challengers_probability_less_the_champions() -> None:
    found = compare(*[(0.1, 0.3), (0.4, 0.3), (0.5, 0.5), (0.5, None)] * TEN)

    assert found.shift is not None
    assert found.shift.scored == 30
    assert found.shift.mean == pytest.approx(0.1 / 3)
    assert found.shift.mean_absolute == pytest.approx(0.1)
    assert found.shift.largest == pytest.approx(0.2)
    assert found.shift.quantiles["0.5"] == pytest.approx(0.0)


def test_where_nobody_was_scored_by_both_there_is_no_shift() -> None:
    found = compare((None, 0.1), (0.2, None))

    assert (found.shift, found.right, found.known) == (None, None, 0)


def test_reasons_appear_and_disappear() -> None:
    pairs = [
        a_pair("a", a_statement(0.7, "INCOME"), a_statement(0.7, "INCOME AGE")),
        a_pair("b", a_statement(0.7, "INCOME"), a_statement(0.7, "AGE")),
        a_pair("c", a_statement(0.1), a_statement(0.1)),
    ]
    found = {one.code: one for one in comparison(pairs, {}).reasons}

    assert (found["AGE"].champion, found["AGE"].challenger, found["AGE"].appeared, found["AGE"].disappeared) == (
        0,
        2,
        2,
        0,
    )
    assert (found["INCOME"].champion, found["INCOME"].challenger) == (2, 1)
    assert (found["INCOME"].appeared, found["INCOME"].disappeared) == (0, 1)


def test_features_are_told_by_how_differently_they_count_and_apart_for_stricter_and_milder() -> None:
    pairs = [
        a_pair("a", a_statement(0.1, income=0.0, age=1.0), a_statement(0.7, income=2.0, age=1.1)),
        a_pair("b", a_statement(0.7, income=0.0, age=1.0), a_statement(0.1, income=-1.0, age=1.0)),
        a_pair("c", a_statement(0.1, income=0.0, age=1.0), a_statement(0.1, income=0.0, age=1.0, tenure=0.3)),
    ]
    found = comparison(pairs * TEN, {}).features

    assert [one.feature for one in found] == ["income", "tenure", "age"]
    assert found[0].mean == pytest.approx(1 / 3)
    assert found[0].mean_absolute == pytest.approx(1.0)
    assert (found[0].stricter, found[0].milder) == (2.0, -1.0)


def test_contributions_in_different_units_are_not_compared() -> None:
    other: Any = Statement(
        outcome=Outcome.APPROVE,
        probability=0.1,
        space=ContributionSpace.PROBABILITY,
        contributions={"income": 0.1},
        reasons=frozenset(),
    )

    assert comparison([a_pair("a", a_statement(0.1, income=0.2), other)], {}).features == ()


def test_with_ends_of_loans_it_is_told_who_was_right_on_the_same_rows() -> None:
    generator = np.random.default_rng(3)
    defaulted = generator.random(400) < 0.3
    knowing = np.where(defaulted, 0.6, 0.1) + generator.uniform(0.0, 0.3, 400)
    guessing = generator.uniform(0.0, 0.9, 400)
    pairs = [
        a_pair(f"a{place}", a_statement(float(guessing[place])), a_statement(float(knowing[place])))
        for place in range(400)
    ]
    ends = {f"a{place}": bool(defaulted[place]) for place in range(380)}

    right = comparison(pairs, ends).right
    assert right is not None
    assert right.rows == 380
    assert right.auc_challenger == 1.0
    assert right.auc.difference == pytest.approx(1.0 - right.auc_champion)
    assert 0.0 < right.auc.low <= right.auc.difference <= right.auc.high
    assert right.brier.low <= right.brier.difference <= right.brier.high < 0.0
    assert comparison(pairs, ends) == comparison(pairs, ends)


def test_ends_of_one_kind_alone_judge_nobody() -> None:
    found = compare((0.1, 0.2), (0.3, 0.4), known={"a0": False, "a1": False})

    assert (found.right, found.known) == (None, 2)


def test_it_can_all_be_told_in_json() -> None:
    known = {"a0": True, **{f"a{place}": False for place in range(1, 20)}}
    told = json.loads(json.dumps(compare(*[(0.1, 0.3), (0.7, 0.1)] * TEN, known=known).plain()))

    assert told["flipped"] == 20
    assert told["flips"][0]["from"] == "APPROVE"
    assert told["right"]["auc"].keys() == {"difference", "low", "high"}
