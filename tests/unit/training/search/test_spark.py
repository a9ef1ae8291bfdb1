"""Trials spread over a cluster: the sound starts first and here, the rest as Hyperopt's SparkTrials keeps them."""

from dataclasses import replace
from typing import Any

import hyperopt
import pytest

from schemas.errors import StoppedError
from tests.unit.training.search.test_search import a_trial, searched
from training.families.family import FamilyParameters
from training.families.family_registry import USUAL
from training.search import search as searching
from training.search import spark
from training.search.budget import Budget
from training.search.journal import Forgetful
from training.search.search import search
from training.search.spark import NoSparkError
from training.search.trial import Trial


class Cluster(hyperopt.Trials):  # type: ignore[misc]  # Hyperopt ships no types
    """Keeps trials as SparkTrials does, and tries them here."""

    def __init__(self, parallelism: int, timeout: int | None) -> None:
        super().__init__()
        told.append((parallelism, timeout))


class EndsIn(Cluster):
    """Every trial ends in one state that is not done: given up as the time is over, or failed."""

    state = hyperopt.base.JOB_STATE_CANCEL

    def fmin(self, *_: object, max_evals: int, return_argmin: bool, **__: object) -> None:
        """As Hyperopt's own comes to it, where no trial is valid at the end."""
        assert not return_argmin, "Hyperopt raises where there is none to be the best"
        self._dynamic_trials = [{"tid": tid, "state": self.state, "exp_key": None} for tid in range(max_evals)]
        self.refresh()


class Fails(EndsIn):
    state = hyperopt.JOB_STATE_ERROR


told: list[Any] = []


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    told.clear()
    monkeypatch.setattr(spark, "find_spec", lambda _: "there")
    monkeypatch.setattr(hyperopt, "SparkTrials", Cluster)
    return monkeypatch


def budget(trials: int, seconds: float = 90.0) -> Budget:
    return Budget(trials=trials, folds=2, most_trees=10, jobs=1, spark=4, seconds=seconds)


class Recalled(Forgetful):
    """The sound starts took half a minute each."""

    def recall(self, number: int, choice: FamilyParameters) -> Trial | None:
        return replace(a_trial(number, auc=0.8, cost=1.0), choice=choice, seconds=30.0)


def test_the_cluster_has_the_seconds_that_the_sound_starts_left(cluster: pytest.MonkeyPatch) -> None:
    search(searched(), budget(len(USUAL) + 1, seconds=30.0 * len(USUAL) + 10.0), journal=Recalled())

    ((_, timeout),) = told
    assert 5 <= timeout <= 10


def test_where_the_sound_starts_took_all_the_time_the_cluster_is_not_asked(cluster: pytest.MonkeyPatch) -> None:
    found = search(searched(), budget(6, seconds=30.0 * len(USUAL)), journal=Recalled())

    assert told == []
    assert len(found.trials) == len(USUAL)


@pytest.mark.parametrize("ended", [len(USUAL), len(USUAL) + 2])
def test_a_search_that_is_told_to_stop_asks_no_more_of_the_cluster(cluster: pytest.MonkeyPatch, ended: int) -> None:
    tried: list[FamilyParameters] = []
    attempt = searching._run_trial

    def counted(number: int, choice: FamilyParameters, *rest: Any) -> Trial:
        tried.append(choice)
        return attempt(number, choice, *rest)

    cluster.setattr(searching, "_run_trial", counted)

    with pytest.raises(StoppedError):
        search(searched(), budget(9), stop=lambda: len(tried) >= ended)

    assert len(tried) == ended


def test_where_no_trial_ended_in_time_the_sound_starts_are_the_search(cluster: pytest.MonkeyPatch) -> None:
    cluster.setattr(hyperopt, "SparkTrials", EndsIn)

    assert len(search(searched(), budget(6)).trials) == len(USUAL)


def test_a_cluster_on_which_every_trial_fails_is_one_line(cluster: pytest.MonkeyPatch) -> None:
    cluster.setattr(hyperopt, "SparkTrials", Fails)

    with pytest.raises(NoSparkError, match="every trial failed on the cluster"):
        search(searched(), budget(6))


def test_a_search_is_spread_over_the_cluster_after_its_sound_starts(cluster: pytest.MonkeyPatch) -> None:
    watched: list[Trial] = []

    found = search(searched(), budget(6), watched.append)

    ((parallel, timeout),) = told
    assert parallel == 4
    assert timeout <= 90
    assert [trial.number for trial in found.trials] == list(range(6))
    assert [trial.choice.family for trial in found.trials[: len(USUAL)]] == list(USUAL)
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
