"""The search for counterfactuals, against brute force and worked by hand."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.applications import Fault, faults, from_records, with_ratios
from schemas.contract.contract import Contract
from scorecard.bundle import scorecard_of
from scorecard.counterfactuals import Counterfactual, CounterfactualSearch, options_of
from scorecard.features import FeatureSpace
from scorecard.forest.forest import Forest
from scorecard.policy import APPROVE, Policy, outcomes
from scorecard.scorecard import Scorecard
from tests.builders import (
    CONTRACT,
    a_champion,
    a_stump_forest,
    an_application,
    contract_with,
    feature_space,
    scorecard_parts,
)

POLICY = Policy(approve_below=0.2, decline_from=0.6)
SPACE = feature_space()


def a_row(**fields: Any) -> Any:
    return from_records(CONTRACT, [an_application(**fields)]).values[0]


def the_search(scorecard: Scorecard | None = None) -> CounterfactualSearch:
    return CounterfactualSearch(scorecard or a_champion().scorecard, POLICY, CONTRACT)


def values_by_field(found: Counterfactual) -> dict[str, float]:
    return {change.field.name: change.after for change in found.changes}


def test_the_ratio_is_computed_anew_when_a_part_of_it_moves() -> None:
    # Over a quarter of an income of 50,000 from 12,500 on; 13,500 is two steps of 500 above it.
    row = a_row(loan_amnt=13_500, loan_percent_income=0.27)

    best = the_search().best(row, most=5)

    assert values_by_field(best.found[0]) == {"loan_amnt": 12_500}
    assert best.found[0].changes[0].steps == 2
    assert values_by_field(best.found[1]) == {"person_income": 54_000}
    assert best.complete


def test_an_answer_is_left_out_where_a_smaller_one_is_part_of_it() -> None:
    row = a_row(loan_amnt=13_500, loan_percent_income=0.27)

    found = the_search().best(row, most=50).found

    # One step of the amount needs two of the income: 13,000 over 52,000. Farther ones hold the two single answers.
    assert [values_by_field(each) for each in found] == [
        {"loan_amnt": 12_500},
        {"person_income": 54_000},
        {"person_income": 52_000, "loan_amnt": 13_000},
    ]


def test_nothing_within_bounds_is_said_and_is_complete() -> None:
    best = the_search().best(a_row(loan_amnt=200_000, loan_percent_income=4.0), most=5)

    assert best.found == ()
    assert best.complete


def test_a_search_that_is_out_of_time_says_so() -> None:
    looks = iter([True, False])

    best = the_search().best(a_row(loan_amnt=200_000, loan_percent_income=4.0), most=5, in_time=lambda: next(looks))

    assert not best.complete


def test_a_missing_value_is_not_moved_and_bounds_are_kept() -> None:
    row = a_row(person_emp_length=None, loan_amnt=1_200, cb_person_cred_hist_length=78)

    options = options_of(CONTRACT, row, SPACE.names)
    by_name = {CONTRACT.observed[column].name: values for column, values in options.items()}

    assert "person_emp_length" not in by_name
    assert by_name["loan_amnt"] == [(700.0, 1)]
    assert by_name["cb_person_cred_hist_length"] == [(79.0, 1), (80.0, 2)]


def test_a_constraint_between_fields_is_kept() -> None:
    # The forest asks for 30 years of employment of one who is 29: at most the age.
    scorecard = _stump_scorecard("person_emp_length", 29.5, low=1.0, high=-2.0)
    young, older = (a_row(person_age=age, person_emp_length=27.0) for age in (29, 40))

    assert the_search(scorecard).best(young, most=5).found == ()
    assert values_by_field(the_search(scorecard).best(older, most=5).found[0]) == {"person_emp_length": 30.0}


def test_a_category_moves_to_the_levels_named() -> None:
    contract = contract_with("person_home_ownership", actionable={"levels": ["OWN"]})
    scorecard = _stump_scorecard("person_home_ownership=OWN", 0.5, low=1.0, high=-2.0)
    search = CounterfactualSearch(scorecard, POLICY, contract)

    [best] = search.best(a_row(person_home_ownership="RENT"), most=1).found

    assert best.changes[0].field.levels[int(best.changes[0].after)] == "OWN"


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    trees=st.integers(0, 10_000),
    amount=st.integers(2, 40).map(lambda n: n * 500),
    income=st.integers(20, 80).map(lambda n: n * 1_000),
    years=st.integers(0, 9),
)
def test_the_best_are_those_of_brute_force(trees: int, amount: int, income: int, years: int) -> None:
    scorecard = _random(trees)
    row = a_row(loan_amnt=amount, person_income=income, person_emp_length=float(years), loan_percent_income=None)

    best = the_search(scorecard).best(row, most=3)

    assert best.complete
    ours = [(len(each.changes), sum(change.steps for change in each.changes)) for each in best.found]
    assert ours == _brute_force(scorecard, row)[: len(ours)]
    assert len(ours) == min(3, len(_brute_force(scorecard, row)))


def _brute_force(scorecard: Scorecard, row: Any) -> list[tuple[int, int]]:
    """Size and steps of each approved combination that holds no smaller one, in order."""
    options = options_of(CONTRACT, row, scorecard.features.names)
    columns = list(options)
    steps = [dict([(0, row[column]), *((n, value) for value, n in options[column])]) for column in columns]
    grid = list(itertools.product(*steps))
    values = np.repeat(row[None, :], len(grid), axis=0)
    values[:, columns] = [[moves[n] for moves, n in zip(steps, place, strict=True)] for place in grid]
    values[1:, CONTRACT.position["loan_percent_income"]] = np.nan
    values = with_ratios(CONTRACT, values)
    probability = scorecard.score(values).probability
    allowed = (faults(CONTRACT, values).codes == Fault.NONE) & (outcomes(POLICY, probability) == APPROVE)
    approved = {place for place, good in zip(grid, allowed, strict=True) if good and any(place)}
    ranked = sorted(approved, key=lambda place: (sum(n > 0 for n in place), sum(place)))
    kept: list[tuple[int, ...]] = []
    for place in ranked:
        if not any(all(n in (0, m) or n < m for n, m in zip(less, place, strict=True)) for less in kept):
            kept.append(place)
    return [(sum(n > 0 for n in place), sum(place)) for place in kept]


def _stump_scorecard(column: str, threshold: float, low: float, high: float) -> Scorecard:
    from tests.builders import a_stump_forest

    forest = a_stump_forest(SPACE.columns.index(column), threshold, low, high, len(SPACE.columns))
    return scorecard_of(scorecard_parts(forest=forest), CONTRACT, digest="d" * 64)


def _random(seed: int) -> Scorecard:
    """A forest of random stumps on what an applicant can move."""
    rng = np.random.default_rng(seed)
    asked = {"loan_amnt": (500, 20_000), "person_income": (20_000, 90_000), "person_emp_length": (0, 12)}
    asked["loan_percent_income"] = (0.01, 0.6)
    names = rng.choice(list(asked), size=6)
    stumps = [
        Forest(
            feature=np.array([SPACE.columns.index(name), -1, -1], dtype=np.int32),
            threshold=np.array([rng.uniform(*asked[name]), 0.0, 0.0]),
            left=np.array([1, -1, -1], dtype=np.int32),
            right=np.array([2, -1, -1], dtype=np.int32),
            missing_left=np.array([True, False, False]),
            value=np.array([0.0, *rng.normal(-0.3, 1.0, 2)]),
            cover=np.array([100.0, 60.0, 40.0]),
            roots=np.array([0], dtype=np.int32),
            base=0.0,
            columns=len(SPACE.columns),
        )
        for name in names
    ]
    return scorecard_of(scorecard_parts(forest=_forest_of(stumps)), CONTRACT, digest="d" * 64)


def _forest_of(stumps: list[Forest]) -> Forest:
    shifts = [3 * place for place in range(len(stumps))]
    links = {
        side: np.concatenate(
            [
                np.where(getattr(s, side) >= 0, getattr(s, side) + shift, -1)
                for s, shift in zip(stumps, shifts, strict=True)
            ]
        ).astype(np.int32)
        for side in ("left", "right")
    }
    plain = {
        name: np.concatenate([getattr(stump, name) for stump in stumps])
        for name in ("feature", "threshold", "missing_left", "value", "cover")
    }
    return Forest(**plain, **links, roots=np.array(shifts, dtype=np.int32), base=0.0, columns=stumps[0].columns)


@pytest.mark.parametrize(
    "actionable",
    [{"direction": 0, "step": 1, "steps": 2}, {"direction": 1, "step": 0, "steps": 2}, {"levels": ["OWN"]}],
)
def test_a_contract_with_a_change_that_makes_no_sense_is_refused(actionable: Any) -> None:
    from schemas.contract.contract import ContractError

    with pytest.raises(ContractError, match="loan_amnt"):
        contract_with("loan_amnt", actionable=actionable)


def test_a_title_and_what_is_actionable_change_no_fingerprint() -> None:
    fields = [
        {key: value for key, value in spec.items() if key not in ("title", "actionable")}
        for spec in CONTRACT.schema["fields"]
    ]

    assert Contract.of({**CONTRACT.schema, "fields": fields}).fingerprint == CONTRACT.fingerprint


def test_nothing_is_proposed_to_whom_the_scorecard_would_still_refer_for_a_price() -> None:
    priced = FeatureSpace.of(CONTRACT, [field.name for field in CONTRACT.scored(with_pricing=True)])
    column, width = priced.columns.index("loan_percent_income"), len(priced.columns)
    parts = scorecard_parts(
        features=priced,
        forest=a_stump_forest(column, 0.25, -2.0, 1.0, width),
        reason_baseline=np.zeros(len(priced.names)),
    )
    scorecard = scorecard_of(parts, CONTRACT, "priced")
    row = a_row(loan_amnt=13_500, loan_percent_income=0.27)
    assert the_search(scorecard).best(row, most=5).found

    row[CONTRACT.position["loan_int_rate"]] = 150.0

    assert the_search(scorecard).best(row, most=5).found == ()
