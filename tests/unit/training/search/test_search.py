"""The search keeps its budget, tries every family first, and chooses the cheap among the good."""

from dataclasses import replace

import numpy as np
import pytest

from scorecard.features import FeatureSpace
from tests.unit.training.builders import CONTRACT, made_up_rows
from training.fairness.applicant_groups import ApplicantGroup
from training.families.family import FamilyParameters, TrainingSample
from training.families.family_registry import USUAL
from training.search.budget import Budget
from training.search.cross_validation import SearchData, cross_fit
from training.search.search import front, search
from training.search.trial import Trial, TrialPreference
from training.search.trial_choice import choose

FEATURES = FeatureSpace.of(CONTRACT, [field.name for field in CONTRACT.scored()])


def search_data(seed: int = 1) -> SearchData:
    rows = made_up_rows(700)
    sample = TrainingSample(FEATURES.encode(rows.values), rows.defaulted)
    return SearchData(
        rows=sample.take(np.arange(600)),
        folds=np.arange(600) % 2,
        stopping=sample.take(np.arange(600, 700)),
        monotone=FEATURES.monotone,
        seed=seed,
    )


def a_trial(number: int, auc: float, cost: float) -> Trial:
    return Trial(
        number=number,
        choice=FamilyParameters("xgboost", {"depth": 4.0}),
        auc=auc,
        auc_sd=0.0,
        log_loss=0.3,
        cost=cost,
        seconds=1.0,
    )


@pytest.mark.parametrize("trials", [1, 3, 5])
def test_as_many_choices_are_tried_as_the_budget_has(trials: int) -> None:
    told: list[Trial] = []

    found = search(search_data(), Budget(trials=trials, folds=2, most_trees=10, jobs=1), told.append)

    assert [trial.number for trial in found.trials] == list(range(trials))
    assert told == list(found.trials)
    assert [trial.choice.family for trial in found.trials[: len(USUAL)]] == list(USUAL[:trials])


def test_the_same_seed_tries_the_same_choices() -> None:
    budget = Budget(trials=5, folds=2, most_trees=10, jobs=2)

    first, again = (search(search_data(), budget) for _ in range(2))

    assert [(trial.choice, trial.auc) for trial in first.trials] == [(t.choice, t.auc) for t in again.trials]


@pytest.mark.slow
def test_a_search_ends_when_its_time_is_over() -> None:
    found = search(search_data(), Budget(trials=500, folds=2, most_trees=10, seconds=1.0, jobs=1))

    assert 1 <= len(found.trials) < 500


def test_the_cheapest_of_the_trials_as_good_as_the_best_is_chosen_and_why_is_told() -> None:
    best, why = choose([a_trial(0, 0.9000, 100.0), a_trial(1, 0.8995, 10.0), a_trial(2, 0.8900, 1.0)], Budget())

    assert best.number == 1
    assert "the cheapest to explain of 2 within 0.001 of the best (0.9000)" in why


def test_the_front_holds_what_no_other_beats_in_both() -> None:
    trials = [a_trial(0, 0.90, 100.0), a_trial(1, 0.88, 10.0), a_trial(2, 0.87, 50.0), a_trial(3, 0.91, 200.0)]

    assert [trial.number for trial in front(trials)] == [1, 0, 3]


@pytest.mark.slow
def test_a_search_ends_when_nothing_is_gained_any_more() -> None:
    found = search(search_data(), Budget(trials=500, folds=2, most_trees=5, patience=4, jobs=1))

    assert len(found.trials) - 1 - max(found.trials, key=lambda trial: trial.auc).number == 4


def test_the_less_discriminatory_of_equal_trials_is_taken_where_it_is_preferred_and_told() -> None:
    best, fair, worse = a_trial(0, 0.900, 10.0), a_trial(1, 0.897, 100.0), a_trial(2, 0.880, 1.0)
    trials = [
        replace(best, auc_sd=0.01, impact_ratio=0.7),
        replace(fair, impact_ratio=0.9),
        replace(worse, impact_ratio=0.99),
    ]
    fairest = Budget(folds=4, prefer=TrialPreference.FAIREST)

    chosen, why = choose(trials, fairest)

    # A standard error of .01 / 2: .897 is as good, .880 is not.
    assert chosen.number == 1
    assert "the least discriminatory of 2 within 0.0050" in why
    assert "0.900, the best's 0.700" in why
    assert choose(trials, Budget(folds=4))[0].number == 0
    assert choose([best, fair], fairest)[0].number == 0


def test_a_trial_states_the_impact_ratio_of_its_decisions_on_rows_left_out() -> None:
    data = search_data()
    renting = data.rows.matrix[:, FEATURES.columns.index("person_home_ownership=RENT")] > 0.0
    groups = (ApplicantGroup("home", "rent", renting), ApplicantGroup("home", "other", ~renting))
    told = replace(data, groups=groups, approve_below=0.2)
    budget = Budget(trials=1, folds=2, most_trees=10, jobs=1)

    found = search(told, budget)
    again, _ = cross_fit(found.best.choice, told, jobs=1)

    assert found.out_of_fold is not None
    assert np.array_equal(found.out_of_fold, again)
    rates = [(again[group.members] < 0.2).mean() for group in groups]
    assert found.best.impact_ratio == min(rates) / max(rates)
    assert search(data, budget).best.impact_ratio is None
