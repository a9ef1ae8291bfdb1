"""A candidate is made of rows and a seed alone, whole and proven."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from schemas.applications import Matrix
from schemas.contract.contract import Contract
from schemas.errors import SetupError, StoppedError
from scorecard import bundle
from scorecard.policy import APPROVE, Policy
from scorecard.profile import BinPlan
from tests.unit.training.builders import CONTRACT, made_up_rows
from training.evaluation.cutoffs import least_cost
from training.evaluation.discrimination_figures import auc
from training.pipeline.pipeline import TrainedCandidate, train_candidate
from training.pipeline.plan import Material, Plan, TrainingProgress
from training.pipeline.training_steps import TrainingSteps
from training.rows.split_parts import SplitPart
from training.search.budget import Budget

ROWS = made_up_rows(1_500)
SMALL = Budget(trials=1, folds=2, most_trees=30, jobs=1)


def a_candidate(folder: Path, window: Matrix | None = None, **plan: object) -> TrainedCandidate:
    return train_candidate(Material(CONTRACT, ROWS, folder, window), Plan(**{"name": "test", "budget": SMALL, **plan}))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> TrainedCandidate:
    return a_candidate(tmp_path_factory.mktemp("one"))


@pytest.mark.slow
def test_the_same_rows_and_seed_give_the_same_digest(one: TrainedCandidate, tmp_path: Path) -> None:
    assert a_candidate(tmp_path).scorecard.digest == one.scorecard.digest


def test_trials_are_decided_by_the_cut_offs_in_force_or_by_the_costs(tmp_path: Path) -> None:
    material, own = Material(CONTRACT, ROWS, tmp_path), Plan(name="test", budget=SMALL)
    operator = replace(own, policy=Policy(approve_below=0.11, decline_from=0.4))

    usual, in_force = (TrainingSteps.of(material, plan).search_data() for plan in (own, operator))

    assert usual.approve_below == least_cost(own.costs).approve_below
    assert in_force.approve_below == 0.11


@pytest.mark.slow
def test_reasons_and_reference_population_follow_the_cut_offs_in_force(one: TrainedCandidate, tmp_path: Path) -> None:
    strict = Policy(approve_below=0.04, decline_from=0.05)

    other = a_candidate(tmp_path, policy=strict).scorecard

    own = one.scorecard
    assert other.policy == own.policy
    assert sum(other.profile.outcomes) == sum(own.profile.outcomes)
    assert other.profile.outcomes[APPROVE] < own.profile.outcomes[APPROVE]
    # The just approved are better risks where fewer are approved.
    assert other.reasons.baseline.sum() < own.reasons.baseline.sum()


@pytest.mark.slow
def test_another_seed_gives_another(one: TrainedCandidate, tmp_path: Path) -> None:
    assert a_candidate(tmp_path, seed=7).scorecard.digest != one.scorecard.digest


def test_the_bundle_that_was_written_is_the_scorecard_that_was_judged(one: TrainedCandidate) -> None:
    read = bundle.read(one.material.folder, CONTRACT, one.scorecard.digest)

    assert np.array_equal(read.score(one.judged_on.values).probability, one.probability)
    assert one.judgement.figures["auc"] == auc(one.judged_on.defaulted, one.probability)


@pytest.mark.slow
def test_a_refit_learns_from_all_rows_and_keeps_what_was_judged(one: TrainedCandidate, tmp_path: Path) -> None:
    again = a_candidate(tmp_path, refit=True)

    assert again.judged.policy == again.scorecard.policy == one.scorecard.policy
    assert np.array_equal(again.probability, one.probability)
    assert again.judgement == one.judgement
    read = bundle.read(again.material.folder, CONTRACT, again.scorecard.digest)
    first = read.forest.roots[0]
    assert read.forest.cover[first] > one.scorecard.forest.cover[one.scorecard.forest.roots[0]]
    assert len(read.forest.roots) == len(one.scorecard.forest.roots)
    fitted = bundle.training_identities(again.material.folder)
    assert fitted is not None
    assert np.isin(ROWS.identities, fitted).all()
    unseen = ROWS.identities[one.split.places(SplitPart.JUDGEMENT)]
    assert not np.isin(unseen, bundle.training_identities(one.material.folder)).any()


@pytest.mark.slow
def test_prices_and_watched_fields_are_not_scored_unless_asked_for(one: TrainedCandidate, tmp_path: Path) -> None:
    assert "loan_int_rate" not in one.scorecard.features.names
    assert "person_age" not in one.scorecard.features.names
    assert "loan_int_rate" in a_candidate(tmp_path, with_pricing=True).scorecard.features.names


def test_the_forest_answers_as_the_library_does(one: TrainedCandidate) -> None:
    assert one.parity.margin_error < 1e-6
    assert one.parity.contribution_error < 1e-5


def test_the_reference_population_is_of_rows_that_were_not_fitted_to(one: TrainedCandidate) -> None:
    assert sum(one.scorecard.profile.score.counts) == int((one.split.parts > SplitPart.SEARCH).sum())


@pytest.mark.slow
def test_a_commands_window_becomes_the_reference_without_what_cannot_be_scored(tmp_path: Path) -> None:
    window = made_up_rows(700, seed=3).values
    window[0, CONTRACT.position["person_income"]] = -5.0

    plan = BinPlan.parse("4, person_income=20")
    one = a_candidate(tmp_path, window=window, bins=plan)
    profile = one.scorecard.profile

    assert sum(profile.score.counts) == len(window) - 1
    # Slow drift is measured from the rows of development, whatever the reference is by now.
    assert {sum(counts) for counts in profile.development} == {int((one.split.parts > SplitPart.SEARCH).sum())}
    sizes = {each.name: len(each.edges) for each in profile.features}
    assert sizes["person_income"] > 19 > sizes["loan_amnt"]


def test_nobody_is_refused_without_a_reason(one: TrainedCandidate) -> None:
    assert one.faults == ()


def test_risk_does_not_fall_where_the_contract_lets_it_only_rise(one: TrainedCandidate) -> None:
    values = np.repeat(one.judged_on.values[:20], 50, axis=0)
    burden = np.tile(np.linspace(0.0, 0.8, 50), 20)
    values[:, CONTRACT.position["loan_percent_income"]] = burden

    margin = one.scorecard.score(values).margin.reshape(20, 50)

    assert np.all(np.diff(margin, axis=1) >= -1e-12)


def test_a_training_that_is_told_to_stop_leaves_nothing(tmp_path: Path) -> None:
    material = Material(CONTRACT, ROWS, tmp_path / "bundle")

    with pytest.raises(StoppedError):
        train_candidate(material, Plan(name="test", budget=SMALL), TrainingProgress(stop=lambda: True))
    assert not material.folder.exists()


def test_a_feature_without_a_reason_is_refused_before_any_work(tmp_path: Path) -> None:
    fields = [dict(field) for field in CONTRACT.schema["fields"]]
    next(field for field in fields if field["name"] == "loan_intent").pop("reason")
    contract = Contract.of({**CONTRACT.schema, "fields": fields})
    steps: list[str] = []

    with pytest.raises(SetupError, match="feature loan_intent has no reason text"):
        train_candidate(
            Material(contract, ROWS, tmp_path), Plan(name="test", budget=SMALL), TrainingProgress(step=steps.append)
        )
    assert steps == []
