"""XGBoost: boosted trees, compiled from the JSON of `save_raw`.

XGBoost tests `x < t` in float32, and stores its leaves, covers (sums of hessians) and base score in
float32; the base score is a probability, in a vector of one since version 3.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from schemas.events.decisions import ContributionSpace
from scorecard.forest.forest import LEAF, Forest
from training.families.family import (
    DEEPEST_BOOSTED,
    PATIENCE,
    SHALLOWEST,
    DefaultWeight,
    Dimension,
    Encoded,
    Family,
    Numbers,
    TrainingSample,
    itself,
)
from training.families.trees import CompileError, Tree, below, forest_of_trees

OBJECTIVE: Final = "binary:logistic"

BINS: Final = 4096
"""Values distinguished in a column. XGBoost's own 256 blur rules such as "a third of the income": on the public
credit-risk file that cost .003 AUC over folds that keep near-clones together (.005 without prices)."""

FIXED: Final = {
    "objective": OBJECTIVE,
    "eval_metric": "logloss",
    "tree_method": "hist",
    "max_bin": BINS,
    "nthread": 1,
}

STRETCH: Final = 64
"""Trees that XGBoost adds by itself. It adds in float32, and beyond some hundred trees the rounding of its sum
alone passes the limit of parity; so it is asked for stretches, which are then added in float64."""


def fit_xgboost(
    parameters: Mapping[str, float],
    train: TrainingSample,
    stopping: TrainingSample,
    monotone: tuple[int, ...],
    seed: int,
) -> tuple[Any, int]:
    """A Booster up to its best round; see `Family.fit`."""
    import xgboost

    booster = xgboost.train(
        {
            **FIXED,
            "max_depth": int(parameters["depth"]),
            "eta": parameters["rate"],
            "min_child_weight": parameters["child_weight"],
            "subsample": parameters["rows"],
            "colsample_bytree": parameters["columns"],
            "lambda": parameters["shrinkage"],
            "scale_pos_weight": parameters["default_weight"],
            "monotone_constraints": monotone,
            "seed": seed,
        },
        xgboost.DMatrix(train.matrix, train.defaulted, nthread=1),
        num_boost_round=int(parameters["trees"]),
        evals=[(xgboost.DMatrix(stopping.matrix, stopping.defaulted, nthread=1), "stopping")],
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
    )
    trees = booster.best_iteration + 1
    return booster[:trees], trees


def xgboost_probability(model: Any, matrix: Encoded) -> Numbers:
    """Of the rounds that count; see `Family.probability`."""
    booster = _booster(model)
    rounds = (0, best_iterations(booster))
    return np.asarray(booster.inplace_predict(matrix, iteration_range=rounds), dtype=np.float64)


def explain_xgboost(model: Any, matrix: Encoded) -> tuple[Numbers, Numbers]:
    """`pred_contribs`, in float32; see `Family.reference`."""
    from xgboost import DMatrix

    booster = _booster(model)
    rows, rounds = DMatrix(matrix, nthread=1), best_iterations(booster)
    contributions = booster.predict(rows, pred_contribs=True, iteration_range=(0, rounds))
    margin = np.zeros(len(matrix))
    for first in range(0, rounds, STRETCH):
        stretch = (first, min(first + STRETCH, rounds))
        margin += booster.predict(rows, output_margin=True, iteration_range=stretch)
        rows.set_base_margin(np.zeros(len(matrix)))  # the first stretch had the base score in it
    return margin, contributions[:, :-1].astype(np.float64)


def compiled_xgboost(model: Any, columns: int) -> Forest:
    """The forest of a Booster or an XGBClassifier; of one stopped early, up to its best iteration.

    Raises:
        CompileError: another objective than `binary:logistic`, another booster than trees, several outputs, or a
            categorical split.
    """
    booster = _booster(model)
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    _refuse_others(learner)
    content = learner["gradient_booster"]["model"]
    used = best_iterations(booster) * int(content["gbtree_model_param"]["num_parallel_tree"])
    return forest_of_trees([_tree(tree) for tree in content["trees"][:used]], _log_odds(learner), columns)


def _booster(model: Any) -> Any:
    return model.get_booster() if hasattr(model, "get_booster") else model


def best_iterations(booster: Any) -> int:
    """How many boosting rounds count: those up to the best, where there was a best."""
    best = booster.attributes().get("best_iteration")
    rounds = int(booster.num_boosted_rounds())
    return rounds if best is None else min(rounds, int(best) + 1)


def _refuse_others(learner: Mapping[str, Any]) -> None:
    objective, booster = learner["objective"]["name"], learner["gradient_booster"]["name"]
    parameters = learner["learner_model_param"]
    if objective != OBJECTIVE or booster != "gbtree":
        problem = f"XGBoost: {booster} with {objective} cannot be compiled, only gbtree with {OBJECTIVE}"
        raise CompileError(problem)
    if int(parameters["num_class"]) > 1 or int(parameters.get("num_target", "1")) > 1:
        problem = "XGBoost: a model of several outputs cannot be compiled"
        raise CompileError(problem)


def _log_odds(learner: Mapping[str, Any]) -> float:
    """The base score as XGBoost adds it: worked out in float32."""
    share = np.float32(learner["learner_model_param"]["base_score"].strip("[]"))
    if not 0.0 < share < 1.0:
        problem = f"XGBoost: a base score of {share} has no log-odds"
        raise CompileError(problem)
    return -math.log(float(np.float32(1.0) / share - np.float32(1.0)))


def _tree(tree: Mapping[str, Any]) -> Tree:
    if any(tree["split_type"]) or tree["categories"]:
        problem = "XGBoost: a categorical split cannot be compiled; encode the levels as columns"
        raise CompileError(problem)
    if int(tree["tree_param"]["size_leaf_vector"]) > 1:
        problem = "XGBoost: a tree with vectors in its leaves cannot be compiled"
        raise CompileError(problem)
    left = np.array(tree["left_children"], dtype=np.int64)
    conditions = np.array(tree["split_conditions"], dtype=np.float32)
    return Tree(
        feature=np.where(left < 0, LEAF, np.array(tree["split_indices"], dtype=np.int64)),
        threshold=below(conditions),
        left=left,
        right=np.array(tree["right_children"], dtype=np.int64),
        missing_left=np.array(tree["default_left"], dtype=np.bool_),
        value=conditions,
        cover=np.array(tree["sum_hessian"], dtype=np.float32),
    )


FAMILY: Final = Family(
    name="xgboost",
    library="xgboost",
    models=("xgboost.Booster", "xgboost.XGBClassifier"),
    fit=fit_xgboost,
    probability=xgboost_probability,
    compile=compiled_xgboost,
    reference=explain_xgboost,
    contribution_limit=1e-5,  # float32
    explained=itself,
    contribution_space=ContributionSpace.LOG_ODDS,
    missing_as=None,
    space={
        "depth": Dimension(SHALLOWEST, DEEPEST_BOOSTED, start=6.0, step=1.0),
        "rate": Dimension(0.03, 0.2, start=0.08, log=True),
        "child_weight": Dimension(1.0, 20.0, start=1.0, log=True),
        "rows": Dimension(0.6, 1.0, start=1.0),
        "columns": Dimension(0.5, 1.0, start=0.6),
        "shrinkage": Dimension(0.3, 20.0, start=1.0, log=True),
        "default_weight": DefaultWeight(),
    },
    fixed=FIXED,
)
