"""What a training tells of itself before it begins."""

import json
import shutil
from pathlib import Path

from scorecard.registry.mlflow_client import ask
from tests.unit.training.builders import CONTRACT, a_table
from training.pipeline.plan import Plan
from training.rows import labelled_rows as rows
from training.search.budget import Budget
from training.tracking import mlflow_run, run_report


def test_the_whole_budget_of_a_search_is_told() -> None:
    budget = Budget(trials=7, folds=3, patience=5, seconds=60.0, spark=2)

    told = run_report.params(
        CONTRACT, Plan(name="test", budget=budget), rows.from_table(CONTRACT, a_table(), "made up")
    )

    assert [told[name] for name in ("trials", "folds", "patience", "seconds", "spark")] == [7, 3, 5, 60.0, 2]


def test_mlflow_shows_which_rows_a_training_was_given_and_none_of_them(empty_store: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{shutil.copy(empty_store, tmp_path / 'mlflow.db')}"
    cleaned = rows.from_table(CONTRACT, a_table(), "s3://loans/rows.csv")
    told = run_report.params(CONTRACT, Plan(name="test"), cleaned)

    with mlflow_run.run(uri, "test", "test", {}) as run:
        run.dataset("credit_risk", told["rows.digest"], told["rows.source"], told["rows.kept"])

    (found,) = ask(uri, lambda client: client.get_run(run.run_id).inputs.dataset_inputs)  # type: ignore[misc]
    assert (found.dataset.name, found.dataset.digest) == ("credit_risk", told["rows.digest"][:36])
    assert json.loads(found.dataset.source) == {"source": "s3://loans/rows.csv"}
    assert json.loads(found.dataset.profile) == {"num_rows": len(cleaned.rows)}
