"""A recalibration keeps the champion's forest and mends its level."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scorecard import bundle
from tests.unit.training.builders import CONTRACT, made_up_rows
from training.pipeline.pipeline import TrainedCandidate, train_candidate
from training.pipeline.plan import Material, Plan
from training.pipeline.recalibration import KeptForest, UnfitForRecalibrationError
from training.promotion.challenger_verdict import challenger_verdict
from training.promotion.champion_comparison import (
    ChallengerAnswers,
    ChampionComparison,
    ComparisonRules,
    compare_with_champion,
)
from training.promotion.margins import Margins
from training.rows import identity
from training.rows.labelled_rows import LabelledRows
from training.rows.split_parts import SplitPart
from training.search.budget import Budget

OLD = made_up_rows(1_500)
PLAN = Plan(name="test", budget=Budget(trials=1, folds=2, most_trees=30, jobs=1))


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def kept_forest(tmp_path_factory: pytest.TempPathFactory) -> KeptForest:
    folder = tmp_path_factory.mktemp("champion")
    made = train_candidate(Material(CONTRACT, OLD, folder), PLAN)
    made_of = bundle.training_identities(folder)
    assert made_of is not None
    return KeptForest(made.scorecard, "1", made_of)


def rows_of_higher_risk(count: int) -> LabelledRows:
    """Applicants of the topics, of whom a third of those that would have repaid default, too."""
    rows = made_up_rows(count, seed=9)
    more = np.random.default_rng(9).random(count) < 1 / 3
    return replace(
        rows,
        defaulted=rows.defaulted | more,
        recent=np.ones(count, dtype=bool),
        applied_at=np.arange(count) + 1,
        ids=identity.of_ids([f"new-{place}" for place in range(count)]),
    )


@pytest.fixture(scope="module")
def recalibrated_candidate(kept_forest: KeptForest, tmp_path_factory: pytest.TempPathFactory) -> TrainedCandidate:
    rows = OLD.then(rows_of_higher_risk(4_000))
    return train_candidate(Material(CONTRACT, rows, tmp_path_factory.mktemp("mended"), kept=kept_forest), PLAN)


def test_the_forest_is_the_champions_and_the_level_is_that_of_now(
    kept_forest: KeptForest, recalibrated_candidate: TrainedCandidate
) -> None:
    old = kept_forest.scorecard.score(recalibrated_candidate.judged_on.values).probability
    observed = recalibrated_candidate.judged_on.defaulted.mean()

    assert np.array_equal(recalibrated_candidate.scorecard.forest.value, kept_forest.scorecard.forest.value)
    assert recalibrated_candidate.scorecard.digest != kept_forest.scorecard.digest
    assert observed - old.mean() > 0.15
    assert abs(recalibrated_candidate.probability.mean() - observed) < 0.05


def test_a_forest_that_does_not_know_a_level_keeps_its_columns_and_its_margins(tmp_path: Path) -> None:
    """Levels have since become frequent, and another one rare: the columns are those of the forest, not of the rows."""
    intent = CONTRACT.position["loan_intent"]
    former = OLD.take(OLD.values[:, intent] != 0.0)
    made = train_candidate(Material(CONTRACT, former, tmp_path / "champion"), PLAN)
    made_of = bundle.training_identities(tmp_path / "champion")
    assert made_of is not None
    now = former.then(rows_of_higher_risk(3_000))
    now = now.take(now.values[:, intent] != 5.0)
    assert (now.values[:, intent] == 0.0).sum() > 100

    kept = KeptForest(made.scorecard, "1", made_of)
    again = train_candidate(Material(CONTRACT, now, tmp_path / "again", kept=kept), PLAN)

    assert again.scorecard.features.columns == made.scorecard.features.columns
    known = again.judged_on.values
    assert not np.any(known[:, intent] == 0.0)
    assert np.array_equal(again.scorecard.score(known).margin, made.scorecard.score(known).margin)


def test_it_is_promotable(kept_forest: KeptForest, recalibrated_candidate: TrainedCandidate) -> None:
    answers = ChallengerAnswers(recalibrated_candidate.probability, recalibrated_candidate.scorecard.policy)
    strange = np.ones(len(recalibrated_candidate.judged_on), dtype=bool)
    rules = ComparisonRules(exploration_share=1.0)
    met = compare_with_champion(kept_forest.scorecard, recalibrated_candidate.judged_on, answers, strange, rules)
    assert isinstance(met, ChampionComparison)

    result = challenger_verdict(met, Margins(), 1)

    assert not result.lost
    assert result.won[0].startswith("better than the champion by cost per applicant")


def test_nothing_is_judged_or_calibrated_on_rows_that_the_champion_was_made_of(
    kept_forest: KeptForest, recalibrated_candidate: TrainedCandidate
) -> None:
    used = recalibrated_candidate.material.rows.take(recalibrated_candidate.split.parts >= SplitPart.SEARCH)
    named = bundle.training_identities(recalibrated_candidate.material.folder)

    assert used.recent.all()
    assert not np.isin(used.identities, kept_forest.made_of).any()
    assert named is not None
    assert np.isin(kept_forest.made_of, named).all()
    assert len(recalibrated_candidate.split.places(SplitPart.SEARCH)) == 0


def test_too_few_new_outcomes_are_refused_with_what_is_missing(kept_forest: KeptForest, tmp_path: Path) -> None:
    with pytest.raises(UnfitForRecalibrationError, match="that version 1 was not made of"):
        train_candidate(Material(CONTRACT, OLD, tmp_path, kept=kept_forest), PLAN)
