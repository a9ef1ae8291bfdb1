"""The model card's records: what was trained on, how, under which assumptions, how it held by month, until when."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from schemas.tables.times import NO_TIME
from scorecard.registry.registered_version import RegisteredVersion
from tests.unit.training.builders import CONTRACT, made_up_rows
from training.evaluation.partial_dependence import dependences
from training.evaluation.stability import by_month
from training.pipeline.pipeline import TrainedCandidate, train_candidate
from training.pipeline.plan import Material, Plan
from training.promotion.gate import Terms
from training.promotion.version_tags import VALID_UNTIL, is_past_validity
from training.rows.labelled_rows import CleanRows
from training.search.budget import Budget
from training.tracking.dependence_plot import draw_dependence
from training.tracking.model_record import TrainingRecord, sections

DAY_MS = 86_400_000
BEGIN = int(datetime(2026, 3, 20, tzinfo=UTC).timestamp()) * 1_000
ROWS = made_up_rows(1_500)
TIMED = replace(ROWS, applied_at=BEGIN + np.arange(len(ROWS)) * 60 * DAY_MS // len(ROWS))
"""Sixty days of them, in order: the forest is fitted to the first, and judged on the last."""


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> TrainedCandidate:
    plan = Plan(name="test", budget=Budget(trials=1, folds=2, most_trees=30, jobs=1))
    return train_candidate(Material(CONTRACT, TIMED, tmp_path_factory.mktemp("made")), plan)


@pytest.fixture(scope="module")
def card(candidate: TrainedCandidate) -> str:
    cleaned = CleanRows(TIMED, "loans.csv", 1_600, {"out_of_range": 100}, notes=["fewer than 10 rows have a level"])
    record = TrainingRecord(
        cleaned=cleaned, terms=Terms(approvals=2), trained_at=datetime(2026, 5, 1, tzinfo=UTC), valid_days=365
    )
    return "\n".join(sections(candidate, record))


@pytest.mark.parametrize(
    "fact",
    [
        "source: loans.csv",
        "period: 2026-03-20 to 2026-05-18",
        "rows: 1600 read, 1500 used",
        "excluded: 100 out of range",
        f"default rate: {ROWS.defaulted.mean():.4f}",
        "`loan_status` is 1; good is 0",
        "1 trials over 2 folds, seed 42",
        "a default 5.0, a review 0.7",
        "AUC 0.6, F1 0.1",
        f"numpy {np.__version__}",
        "fewer than 10 rows have a level",
        "| 2026-04 |",
        "| 2026-05 |",
        "To be validated anew by 2027-05-01",
        "one person proposes it and another approves it",
    ],
)
def test_the_record_states(card: str, fact: str) -> None:
    assert fact in card


def test_months_are_told_apart_and_a_month_of_few_people_is_not_told() -> None:
    probability = np.where(np.arange(len(TIMED)) < len(TIMED) // 2, 0.1, 0.3)
    lonely = replace(TIMED, applied_at=np.append(TIMED.applied_at[:-9], np.full(9, BEGIN + 90 * DAY_MS)))

    months = by_month(TIMED, probability)

    assert [month.name for month in months] == ["2026-03", "2026-04", "2026-05"]
    assert months[0].stated < months[2].stated
    assert months[0].psi > 0.1
    assert sum(month.rows for month in months) == len(TIMED)
    assert [month.name for month in by_month(lonely, probability)] == ["2026-03", "2026-04", "2026-05"]


def test_rows_without_times_have_no_months() -> None:
    assert by_month(replace(TIMED, applied_at=np.full(len(TIMED), NO_TIME)), np.zeros(len(TIMED))) == ()


def test_a_curve_is_the_mean_of_everybody_with_that_value(candidate: TrainedCandidate, tmp_path: Path) -> None:
    some = candidate.judged_on.values[:200]
    home, income = dependences(candidate.scorecard, CONTRACT, some, ["person_home_ownership", "person_income"])

    renting = some.copy()
    renting[:, CONTRACT.position["person_home_ownership"]] = 0.0
    assert home.probability[home.levels.index("RENT")] == candidate.scorecard.score(renting).probability.mean()
    # Risk falls with income, and with the ratio that is computed from it.
    assert income.probability[0] > income.probability[-1]
    assert draw_dependence([home, income], tmp_path / "curves.png").stat().st_size > 5_000


def test_a_scorecard_is_valid_to_the_end_of_its_last_day() -> None:
    version = RegisteredVersion("scorecard", "1", "d" * 64, "xgboost", "run", {VALID_UNTIL: "2027-05-01"})

    assert not is_past_validity(version, datetime(2027, 5, 1, tzinfo=UTC).date())
    assert is_past_validity(version, datetime(2027, 5, 2, tzinfo=UTC).date())
