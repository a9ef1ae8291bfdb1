"""XGBoost's boosters to forests, from the JSON of `save_raw`.

XGBoost asks `x < t` in float32, and keeps its leaves, covers (sums of hessians) and base score in
float32; the base score is a probability, in a vector of one since version 3.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from scorecard.forest.forest import LEAF, Forest
from training.families.trees import CompileError, Tree, below, grown

OBJECTIVE: Final = "binary:logistic"


def compiled_xgboost(model: Any, columns: int) -> Forest:
    """The forest of a Booster or an XGBClassifier; of one stopped early, up to its best iteration.

    Raises:
        CompileError: another objective than `binary:logistic`, another booster than trees, several outputs, or a
            categorical split.
    """
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    _refuse_others(learner)
    content = learner["gradient_booster"]["model"]
    used = iterations_used(booster) * int(content["gbtree_model_param"]["num_parallel_tree"])
    return grown([_tree(tree) for tree in content["trees"][:used]], _log_odds(learner), columns)


def iterations_used(booster: Any) -> int:
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
