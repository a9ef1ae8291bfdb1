"""Trials spread over a cluster: the sound starts first and here, the rest as Hyperopt's SparkTrials keeps them."""

from typing import Any

import hyperopt
import pytest

from tests.unit.training.test_search import searched
from training import spark
from training.fitting import Family
from training.journal import Trial
from training.search import Budget, search
from training.spark import NoSparkError


class Cluster(hyperopt.Trials):  # type: ignore[misc]  # Hyperopt ships no types
    """Keeps trials as SparkTrials does, and tries them here."""

    def __init__(self, parallelism: int, timeout: int | None) -> None:
        super().__init__()
        told.append((parallelism, timeout))


told: list[Any] = []


def budget(trials: int) -> Budget:
    return Budget(trials=trials, folds=2, most_trees=10, jobs=1, spark=4, seconds=90.0)


def test_a_search_is_spread_over_the_cluster_after_its_sound_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "find_spec", lambda _: "there")
    monkeypatch.setattr(hyperopt, "SparkTrials", Cluster)
    watched: list[Trial] = []

    found = search(searched(), budget(6), watched.append)

    assert told == [(4, 90)]
    assert [trial.number for trial in found.trials] == list(range(6))
    assert [trial.choice.family for trial in found.trials][:3] == list(Family)
    assert watched == list(found.trials)


def test_without_pyspark_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "find_spec", lambda _: None)

    with pytest.raises(NoSparkError, match="LOAN_SPARK_TRIALS needs PySpark, which is not installed"):
        search(searched(), budget(5))


def test_a_cluster_that_gives_no_session_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(**_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(spark, "find_spec", lambda _: "there")
    monkeypatch.setattr(hyperopt, "SparkTrials", nobody)

    with pytest.raises(NoSparkError, match=r"no Spark session can be had \(ConnectionRefusedError\)"):
        search(searched(), budget(5))
