"""Trials proposed in batches: one search, wherever and in whatever order its trials run."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from schemas.errors import StoppedError
from scorecard.bulk import spark_session
from scorecard.bulk.spark_session import SparkError
from tests.unit.training.search.test_search import a_trial, search_data
from training.families.family import FamilyParameters
from training.families.family_registry import USUAL
from training.search import search as searching
from training.search import spark
from training.search.budget import Budget
from training.search.cross_validation import run_trial
from training.search.journal import FileJournal, Forgetful
from training.search.search import search
from training.search.trial import Trial


def budget(trials: int, **limits: Any) -> Budget:
    return Budget(**{"trials": trials, "folds": 2, "most_trees": 10, "jobs": 1, "batch": 4, **limits})


def figures(trials: Sequence[Trial]) -> list[Trial]:
    """Trials without what the machine's load makes of them."""
    return [replace(trial, seconds=0.0) for trial in trials]


class Backwards:
    """Stands where a Spark context does: the last item is done first, and each answer is put at its item's place."""

    def parallelize(self, items: Sequence[Any], slices: int) -> "Backwards":
        self.items = items
        tasks.append(slices)
        return self

    def map(self, function: Callable[[Any], Any]) -> "Backwards":
        self.function = function
        return self

    def collect(self) -> list[Any]:
        return [self.function(item) for item in reversed(self.items)][::-1]


tasks: list[int] = []


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    tasks.clear()
    monkeypatch.setattr(spark_session, "find_spec", lambda _: "there")
    monkeypatch.setattr(spark, "session", lambda *_: SimpleNamespace(sparkContext=Backwards()))
    return monkeypatch


@pytest.mark.slow
def test_a_search_on_a_cluster_is_that_of_one_machine_whichever_trial_ends_first(cluster: pytest.MonkeyPatch) -> None:
    watched: list[Trial] = []

    here = search(search_data(), budget(9), watched.append)
    there = search(search_data(), budget(9, batch=1, spark=4))

    assert figures(there.trials) == figures(here.trials)
    assert there.best.choice == here.best.choice
    assert np.array_equal(there.out_of_fold, here.out_of_fold)
    assert [trial.number for trial in here.trials] == list(range(9))
    assert [trial.choice.family for trial in here.trials[: len(USUAL)]] == list(USUAL)
    assert watched == list(here.trials)
    assert tasks == [4, 4, 1]


@pytest.mark.slow
def test_choices_of_one_batch_are_not_all_the_same_and_those_behind_it_know_its_results(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def trial(number: int, choice: FamilyParameters, _searched: Any, _budget: Any) -> Any:
        auc = 0.9 if choice.family == favourite else 0.6
        return replace(a_trial(number, auc, 1.0), choice=choice), np.zeros(1)

    monkeypatch.setattr("training.search.search.run_trial", trial)
    found = {}
    for favourite in USUAL[:2]:
        found[favourite] = search(search_data(), budget(30)).trials

    first, other = found.values()
    random_starts = searching.STARTS_BEFORE_TPE
    assert [one.choice for one in first[:random_starts]] == [one.choice for one in other[:random_starts]]
    assert [one.choice for one in first[random_starts:]] != [one.choice for one in other[random_starts:]]
    assert len({str(one.choice) for one in first}) == 30
    for name, trials in found.items():
        chosen = [one.choice.family for one in trials[12:]]
        assert max(set(chosen), key=chosen.count) == name


def test_a_search_in_batches_that_was_interrupted_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = search(search_data(), budget(8))
    journal = FileJournal(tmp_path, "k")
    for trial in whole.trials[:6]:
        journal.keep(trial)
    tried: list[int] = []
    attempt = run_trial

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "training.search.search.run_trial", lambda number, *rest: tried.append(number) or attempt(number, *rest)
        )
        again = search(search_data(), budget(8), journal=FileJournal(tmp_path, "k"))

    assert tried == [6, 7]
    assert figures(again.trials) == figures(whole.trials)


class JournalOfSlowTrials(Forgetful):
    """A trial of a batch took half a minute."""

    def recall(self, number: int, choice: FamilyParameters) -> Trial | None:
        return replace(a_trial(number, 0.8, 1.0), choice=choice, seconds=30.0)


def test_a_search_ends_after_the_batch_in_which_its_time_is_over() -> None:
    assert len(search(search_data(), budget(40, seconds=50.0), journal=JournalOfSlowTrials()).trials) == 8


def test_a_search_that_is_told_to_stop_asks_no_more_of_the_cluster(cluster: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoppedError):
        search(search_data(), budget(12, spark=4), stop=lambda: bool(tasks))

    assert tasks == [4]


def test_without_pyspark_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_session, "find_spec", lambda _: None)

    with pytest.raises(
        SparkError,
        match=r"LOAN_SPARK_TRIALS needs PySpark, which is not installed: pip install 'loan-decisions\[spark\]'",
    ):
        search(search_data(), budget(5, spark=4))


def test_a_cluster_on_which_a_trial_fails_is_one_line(cluster: pytest.MonkeyPatch) -> None:
    def nothing(*_: Any) -> Trial:
        raise ModuleNotFoundError

    cluster.setattr(searching, "run_trial", nothing)

    with pytest.raises(
        SparkError, match=r"a trial failed on the cluster, .* needs this package \(ModuleNotFoundError\)"
    ):
        search(search_data(), budget(6, spark=4))


def test_a_cluster_that_gives_no_session_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Builder:
        def getOrCreate(self) -> None:  # noqa: N802 - Spark's name
            raise ConnectionRefusedError

    sql = ModuleType("pyspark.sql")
    sql.SparkSession = type("SparkSession", (), {"builder": Builder()})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyspark", ModuleType("pyspark"))
    monkeypatch.setitem(sys.modules, "pyspark.sql", sql)
    monkeypatch.setattr(spark_session, "find_spec", lambda _: "there")

    with pytest.raises(SparkError, match=r"no Spark session can be had \(ConnectionRefusedError\)"):
        search(search_data(), budget(5, spark=4))
