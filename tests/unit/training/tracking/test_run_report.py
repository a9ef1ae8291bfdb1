"""What a training tells of itself before it begins."""

from tests.unit.training.builders import CONTRACT, a_table
from training.pipeline.plan import Plan
from training.rows import labelled_rows as rows
from training.search.budget import Budget
from training.tracking import run_report


def test_the_whole_budget_of_a_search_is_told() -> None:
    budget = Budget(trials=7, folds=3, patience=5, seconds=60.0, spark=2)

    told = run_report.params(
        CONTRACT, Plan(name="test", budget=budget), rows.from_table(CONTRACT, a_table(), "made up")
    )

    assert [told[name] for name in ("trials", "folds", "patience", "seconds", "spark")] == [7, 3, 5, 60.0, 2]
