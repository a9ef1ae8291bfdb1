"""The search for a family and its parameters: Hyperopt's TPE over grouped folds, seeded and bounded.

The rows searched on are the only ones seen here, beside those that end boosting; calibration,
cut-offs and judgement have their own. The first trial of each family is a choice known to be sound,
so that a small budget is well spent. Depth is bounded by what exact attribution can afford.
Source: Bergstra et al., *Algorithms for hyper-parameter optimization*, 2011.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.faults import LoanError
from training.fitting import Choice, Family, Sample, fitted

DEEPEST_BOOSTED: Final = 6
"""A table of 2^d patterns a leaf: depth 6 explains in tens of microseconds, each level more doubles it."""
DEEPEST_FOREST: Final = 8
"""A random forest has fewer trees, and is nothing when shallow."""

AS_GOOD: Final = 0.001
"""Of AUC: trials closer than this are told apart by cost. Seeds alone move it by .004."""

STARTS_BEFORE_TPE: Final = 6
"""Trials before the surrogate is asked; Hyperopt's own 20 would make a usual budget a random search."""

NEVER: Final = math.inf


class StoppedError(LoanError):
    """The search was told to stop; nothing is left behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much may be spent. A search that ends by `seconds` need not find the same again."""

    trials: int = 10
    folds: int = 5
    most_trees: int = 900
    seconds: float = NEVER
    jobs: int = 2
    """Folds fitted beside each other."""


SMALL: Final = Budget(trials=3, folds=3, most_trees=250)
"""One sound choice of each family: some seconds on ten thousand rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What a search sees."""

    rows: Sample
    folds: npt.NDArray[np.int64]
    """The fold of each row."""
    stopping: Sample
    monotone: tuple[int, ...]
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One choice, tried: figures are means over folds, on rows the fold did not fit."""

    number: int
    choice: Choice
    auc: float
    auc_sd: float
    log_loss: float
    cost: float
    """Leaves times depth of one fold's model, in the mean."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to."""

    best: Trial
    trials: Sequence[Trial]
    floor_auc: float
    """Of a logistic regression on the same folds."""
    why: str


def search(
    searched: Searched,
    budget: Budget,
    watch: Callable[[Trial], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Found:
    """The best choice within a budget.

    Args:
        searched: rows, folds and seed.
        budget: trials, folds and time.
        watch: told of every trial as it ends.
        stop: asked between trials.

    Raises:
        StoppedError: `stop` said so.
    """
    import hyperopt

    logging.getLogger("hyperopt").setLevel(logging.WARNING)
    trials: list[Trial] = []

    def objective(point: Mapping[str, Any]) -> float:
        if stop():
            raise StoppedError
        trial = _tried(len(trials), _choice(point, budget.most_trees), searched, budget)
        trials.append(trial)
        watch(trial)
        return 1.0 - trial.auc

    hyperopt.fmin(
        objective,
        _space(searched),
        algo=_tpe(hyperopt),
        # It counts the given points or not, as it pleases; the stopping rule counts what was tried.
        max_evals=budget.trials,
        early_stop_fn=lambda *_: (len(trials) >= budget.trials, {}),
        timeout=None if budget.seconds == NEVER else max(1, int(budget.seconds)),
        points_to_evaluate=[dict(point) for point in _starts()[: budget.trials]],
        rstate=np.random.default_rng(searched.seed),
        show_progressbar=False,
        verbose=False,
    )
    best, why = chosen(trials)
    return Found(best=best, trials=trials, floor_auc=_floor(searched), why=why)


def chosen(trials: Sequence[Trial]) -> tuple[Trial, str]:
    """The cheapest of the trials that are as good as the best, and why in words."""
    top = max(trials, key=lambda trial: trial.auc)
    alike = [trial for trial in trials if trial.auc >= top.auc - AS_GOOD]
    best = min(alike, key=lambda trial: (trial.cost, trial.number))
    why = (
        f"trial {best.number} ({best.choice.family.value}): AUC {best.auc:.4f} over the folds, "
        f"the cheapest to explain of {len(alike)} within {AS_GOOD} of the best ({top.auc:.4f})"
    )
    return best, why


def front(trials: Sequence[Trial]) -> Sequence[Trial]:
    """The trials that no other beats in both AUC and cost, cheapest first."""
    kept: list[Trial] = []
    for trial in sorted(trials, key=lambda trial: (trial.cost, -trial.auc)):
        if not kept or trial.auc > kept[-1].auc:
            kept.append(trial)
    return kept


def _tried(number: int, choice: Choice, searched: Searched, budget: Budget) -> Trial:
    began = time.perf_counter()
    with ThreadPoolExecutor(max_workers=budget.jobs) as pool:
        judged = list(pool.map(lambda fold: _fold(choice, searched, fold), range(budget.folds)))
    aucs = [auc for auc, _, _ in judged]
    return Trial(
        number=number,
        choice=choice,
        auc=float(np.mean(aucs)),
        auc_sd=float(np.std(aucs)),
        log_loss=float(np.mean([loss for _, loss, _ in judged])),
        cost=float(np.mean([cost for _, _, cost in judged])),
        seconds=time.perf_counter() - began,
    )


def _fold(choice: Choice, searched: Searched, fold: int) -> tuple[float, float, float]:
    from sklearn.metrics import log_loss, roc_auc_score

    held = searched.folds == fold
    model = fitted(choice, searched.rows.take(~held), searched.stopping, searched.monotone, searched.seed + fold)
    out = searched.rows.take(held)
    probability = model.probability(out.matrix)
    return (
        float(roc_auc_score(out.defaulted, probability)),
        float(log_loss(out.defaulted, np.clip(probability, 1e-6, 1 - 1e-6))),
        model.cost,
    )


def _floor(searched: Searched) -> float:
    """AUC of a logistic regression over the folds: what a model must beat to be worth its trees."""
    from sklearn.metrics import roc_auc_score

    aucs = []
    for fold in range(int(searched.folds.max()) + 1):
        held = searched.folds == fold
        out = searched.rows.take(held)
        probability = logistic(searched.rows.take(~held), out)
        aucs.append(roc_auc_score(out.defaulted, probability))
    return float(np.mean(aucs))


def logistic(train: Sample, judged: Sample) -> npt.NDArray[np.float64]:
    """What a plain logistic regression, fitted to the first, says of the second."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(max_iter=500),
    )
    model.fit(train.matrix.astype(np.float64), train.defaulted)
    return np.asarray(model.predict_proba(judged.matrix.astype(np.float64))[:, 1], dtype=np.float64)


def _tpe(hyperopt: Any) -> Callable[..., Any]:
    def suggest(*args: Any, **kwargs: Any) -> Any:
        return hyperopt.tpe.suggest(*args, n_startup_jobs=STARTS_BEFORE_TPE, **kwargs)

    return suggest


_FAMILIES: Final = (Family.XGBOOST, Family.CATBOOST, Family.RANDOM_FOREST)


def _space(searched: Searched) -> Mapping[str, Any]:
    from hyperopt import hp

    # Full balance ruins probabilities for nothing; its square root is the middle way.
    balance = math.sqrt((~searched.rows.defaulted).sum() / max(searched.rows.defaulted.sum(), 1))
    weights = [1.0, round(balance, 3)]
    return {
        "family": hp.choice("family", list(range(len(_FAMILIES)))),
        "xgboost": {
            "depth": hp.quniform("xgboost_depth", 4, DEEPEST_BOOSTED, 1),
            "rate": hp.loguniform("xgboost_rate", math.log(0.03), math.log(0.2)),
            "child_weight": hp.loguniform("xgboost_child_weight", 0.0, math.log(20.0)),
            "rows": hp.uniform("xgboost_rows", 0.6, 1.0),
            "columns": hp.uniform("xgboost_columns", 0.5, 1.0),
            "shrinkage": hp.loguniform("xgboost_shrinkage", math.log(0.3), math.log(20.0)),
            "default_weight": hp.choice("xgboost_default_weight", weights),
        },
        "catboost": {
            "depth": hp.quniform("catboost_depth", 4, DEEPEST_BOOSTED, 1),
            "rate": hp.loguniform("catboost_rate", math.log(0.05), math.log(0.25)),
            "shrinkage": hp.loguniform("catboost_shrinkage", 0.0, math.log(20.0)),
            "noise": hp.uniform("catboost_noise", 0.0, 2.0),
            "default_weight": hp.choice("catboost_default_weight", weights),
        },
        "random_forest": {
            "trees": hp.quniform("random_forest_trees", 80, 160, 20),
            "depth": hp.quniform("random_forest_depth", 6, DEEPEST_FOREST, 1),
            "leaf_rows": hp.quniform("random_forest_leaf_rows", 3, 30, 1),
            "columns": hp.uniform("random_forest_columns", 0.3, 0.9),
        },
    }


def _starts() -> Sequence[Mapping[str, Any]]:
    """One sound point for each family, in Hyperopt's flat names; the others' values ride along."""
    sound = {
        "xgboost_depth": 6.0,
        "xgboost_rate": 0.06,
        "xgboost_child_weight": 3.0,
        "xgboost_rows": 0.8,
        "xgboost_columns": 0.8,
        "xgboost_shrinkage": 1.0,
        "xgboost_default_weight": 0,
        "catboost_depth": 6.0,
        "catboost_rate": 0.1,
        "catboost_shrinkage": 3.0,
        "catboost_noise": 1.0,
        "catboost_default_weight": 0,
        "random_forest_trees": 120.0,
        "random_forest_depth": 8.0,
        "random_forest_leaf_rows": 5.0,
        "random_forest_columns": 0.5,
    }
    return [{**sound, "family": place} for place in range(len(_FAMILIES))]


def _choice(point: Mapping[str, Any], most_trees: int) -> Choice:
    family = _FAMILIES[int(point["family"])]
    given = {"trees": most_trees, **point[family.value]}
    if family is Family.RANDOM_FOREST:
        given["trees"] = min(given["trees"], most_trees)
    return Choice(family, {name: float(value) for name, value in sorted(given.items())})
