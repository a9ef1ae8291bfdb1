"""CatBoost's symmetric trees to forests, from its own JSON export.

A symmetric tree asks one question a level, `x > border` in float32; the leaf's place has the
answer to question i as its bit i. A missing value is less than every border, or greater than all,
as the feature says. Leaf weights are the covers. Scale and bias are folded in.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from scorecard.forest.forest import LEAF, Forest
from training.families.trees import CompileError, Tree, grown

OBJECTIVES: Final = ("Logloss", "CrossEntropy")

GREATER: Final = "AsTrue"
"""How CatBoost says that a missing value exceeds every border."""


def compiled_catboost(model: Any, columns: int) -> Forest:
    """The forest of a CatBoostClassifier of two classes, grown symmetrically on numbers.

    Raises:
        CompileError: it is not that.
    """
    exported = _exported(model)
    _refuse_others(exported)
    scale, bias = exported["scale_and_bias"]
    features = {item["feature_index"]: item for item in exported["features_info"]["float_features"]}
    trees = [_tree(tree, features, float(scale)) for tree in exported["oblivious_trees"]]
    return grown(trees, float(np.sum(bias)), columns)


def _exported(model: Any) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        exported: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return exported


def _refuse_others(exported: Mapping[str, Any]) -> None:
    objective = exported["model_info"]["params"]["loss_function"]["type"]
    if objective not in OBJECTIVES:
        problem = f"CatBoost: {objective} cannot be compiled, only {' and '.join(OBJECTIVES)}"
        raise CompileError(problem)
    if "oblivious_trees" not in exported:
        problem = "CatBoost: only symmetric trees can be compiled; set grow_policy=SymmetricTree"
        raise CompileError(problem)
    others = sorted(name for name, found in exported["features_info"].items() if name != "float_features" and found)
    if others:
        problem = f"CatBoost: {', '.join(others)} cannot be compiled; encode them as columns"
        raise CompileError(problem)


def _tree(tree: Mapping[str, Any], features: Mapping[int, Mapping[str, Any]], scale: float) -> Tree:
    splits = list(reversed(tree["splits"] or []))  # the last question is the highest bit: ask it first
    _refuse_splits(splits)
    inner, leaves = 2 ** len(splits) - 1, 2 ** len(splits)
    values, weights = np.array(tree["leaf_values"]), np.array(tree["leaf_weights"])
    if values.shape != (leaves,) or weights.shape != (leaves,):
        problem = f"CatBoost: {values.size} leaf values and {weights.size} weights for {leaves} leaves"
        raise CompileError(problem)
    places = np.arange(inner + leaves)
    level = np.repeat(np.arange(len(splits) + 1), 2 ** np.arange(len(splits) + 1))
    asked = [features[split["float_feature_index"]] for split in splits]
    return Tree(
        feature=np.array([item["flat_feature_index"] for item in asked] + [LEAF])[level],
        threshold=np.array([split["border"] for split in splits] + [0.0], dtype=np.float32)[level],
        left=2 * places + 1,
        right=2 * places + 2,
        missing_left=np.array([item["nan_value_treatment"] != GREATER for item in asked] + [False])[level],
        value=np.concatenate([np.zeros(inner), scale * values]),
        cover=_covers(weights),
    )


def _refuse_splits(splits: list[Mapping[str, Any]]) -> None:
    for split in splits:
        if split["split_type"] != "FloatFeature":
            problem = f"CatBoost: a split of type {split['split_type']} cannot be compiled"
            raise CompileError(problem)


def _covers(weights: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Covers of a full binary tree, level by level, from those of its leaves."""
    levels = [weights.astype(np.float64)]
    while len(levels[0]) > 1:
        levels.insert(0, levels[0].reshape(-1, 2).sum(axis=1))
    return np.concatenate(levels)
