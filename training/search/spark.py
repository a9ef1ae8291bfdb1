"""A search distributed over a Spark cluster, by Hyperopt's `SparkTrials`: many choices are tried at once.

The sound defaults are tried first, on the driver, since `SparkTrials` takes no given points. The trials that the
surrogate knows at each choice depend on which trials end first, so such a search need not give the same result again,
and no journal can answer for it. The cluster's Python needs this package.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any, Final

import numpy as np

from schemas.errors import SetupError
from training.families.family import FamilyParameters
from training.search import space
from training.search.journal import trial_of
from training.search.trial import Trial
from training.search.usable_families import usable_families

Attempt = Callable[[FamilyParameters], Trial]
TOLD: Final = "trial"
"""Key of a trial in Hyperopt's record of it."""


class NoSparkError(SetupError):
    """Trials are to be spread over a cluster, and there is none that can be reached and can try them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRequest:
    """How many choices, and what they come from."""

    count: int
    parallel: int
    """Tried at once, where the cluster has as many places."""
    seconds: float
    """From now on."""
    default_share: float
    most_trees: int
    seed: int
    families: tuple[str, ...]


def refuse_without_pyspark() -> None:
    """To be called before any work.

    Raises:
        NoSparkError: it is not installed.
    """
    if find_spec("pyspark") is None:
        problem = "LOAN_SPARK_TRIALS needs PySpark, which is not installed: pip install pyspark, or set it to 0"
        raise NoSparkError(problem)


def spread(attempt: Attempt, suggest: Any, asked: TrialRequest, stop: Callable[[], bool]) -> Sequence[Trial]:
    """Trials of choices of the space, in the order of the requests; their numbers are the attempt's.

    There are none where the time was over before one ended.

    Args:
        attempt: tries a choice; is sent to the cluster with all that it holds.
        suggest: Hyperopt's algorithm.
        asked: how many, and of what.
        stop: called on the driver as trials end; running trials are then abandoned.

    Raises:
        NoSparkError: no session can be had, or every trial failed there.
    """
    import hyperopt

    most_trees, done = asked.most_trees, hyperopt.STATUS_OK

    def objective(point: Mapping[str, Any]) -> Mapping[str, Any]:
        trial = attempt(space.choice(point, most_trees))
        return {"loss": 1.0 - trial.auc, "status": done, TOLD: asdict(trial)}

    store = _store(hyperopt, asked)
    hyperopt.fmin(
        objective,
        space.space(usable_families(asked.families), asked.default_share),
        algo=suggest,
        max_evals=asked.count,
        trials=store,
        rstate=np.random.default_rng(asked.seed),
        early_stop_fn=lambda *_: (stop(), {}),
        # The best is chosen elsewhere, and where no trial ended in time there is none: Hyperopt would raise.
        return_argmin=False,
        show_progressbar=False,
        verbose=False,
    )
    ended = sorted(store.trials, key=lambda one: int(one["tid"]))
    trials = [trial_of(one["result"][TOLD]) for one in ended if TOLD in one["result"]]
    if not trials and store.count_by_state_unsynced(hyperopt.JOB_STATE_ERROR):
        problem = "LOAN_SPARK_TRIALS: every trial failed on the cluster; its Python needs this package"
        raise NoSparkError(problem)
    return trials


def _store(hyperopt: Any, asked: TrialRequest) -> Any:
    timeout = None if asked.seconds == math.inf else max(1, int(asked.seconds))
    try:
        return hyperopt.SparkTrials(parallelism=asked.parallel, timeout=timeout)
    except Exception as cause:  # noqa: BLE001 - Java's, Py4J's and Spark's own, which share nothing
        problem = f"LOAN_SPARK_TRIALS: no Spark session can be had ({type(cause).__name__})"
        raise NoSparkError(problem) from None
