"""CatBoost: boosted symmetric trees, compiled from its own JSON export.

A symmetric tree tests one condition a level, `x > border` in float32; the leaf's index has the
result of test i as its bit i. A missing value is less than every border, or greater than all,
as the feature says. Leaf weights are the covers. Scale and bias are folded in.
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
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
)
from training.families.trees import CompileError, Tree, class_probability, forest_of_trees

OBJECTIVES: Final = ("Logloss", "CrossEntropy")

GREATER: Final = "AsTrue"
"""CatBoost's word for a missing value that exceeds every border."""

FIXED: Final = {
    "thread_count": 1,
    "od_type": "Iter",
    "od_wait": PATIENCE,
    "allow_writing_files": False,
    "verbose": False,
}
"""CatBoost keeps its 254 borders: with 1,024 a fit takes four times as long, and gains less than XGBoost does."""


def fit_catboost(
    parameters: Mapping[str, float],
    train: TrainingSample,
    stopping: TrainingSample,
    monotone: tuple[int, ...],
    seed: int,
) -> tuple[Any, int]:
    """A CatBoostClassifier; see `Family.fit`."""
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(
        **FIXED,
        iterations=int(parameters["trees"]),
        depth=int(parameters["depth"]),
        learning_rate=parameters["rate"],
        l2_leaf_reg=parameters["shrinkage"],
        random_strength=parameters["noise"],
        scale_pos_weight=parameters["default_weight"],
        monotone_constraints=list(monotone),
        random_seed=seed,
    )
    labels = train.defaulted.astype(np.int8)
    model.fit(train.matrix, labels, eval_set=(stopping.matrix, stopping.defaulted.astype(np.int8)))
    return model, int(model.tree_count_)


def explain_catboost(model: Any, matrix: Encoded) -> tuple[Numbers, Numbers]:
    """`ShapValues`, of a copy whose leaves without training rows are 0; see `Family.reference`.

    CatBoost treats such leaves as 0, and under monotone constraints they are not. So its
    contributions are held against those of a forest in which they are, too (`clear_unreached_leaves`).
    """
    from catboost import Pool

    rows = Pool(matrix)
    margin = model.predict(rows, prediction_type="RawFormulaVal", thread_count=1)
    explained = _clear_leaves(model).get_feature_importance(rows, type="ShapValues", thread_count=1)
    return np.asarray(margin), np.asarray(explained)[:, :-1]


def clear_unreached_leaves(forest: Forest) -> Forest:
    """The forest with 0 in the leaves that no training row reached."""
    return replace(forest, value=np.where(forest.cover > 0.0, forest.value, 0.0))


def compiled_catboost(model: Any, columns: int) -> Forest:
    """The forest of a CatBoostClassifier of two classes, grown symmetrically on numbers.

    Raises:
        CompileError: it is not that.
    """
    exported = _export(model)
    _refuse_others(exported)
    scale, bias = exported["scale_and_bias"]
    features = {item["feature_index"]: item for item in exported["features_info"]["float_features"]}
    trees = [_tree(tree, features, float(scale)) for tree in exported["oblivious_trees"]]
    return forest_of_trees(trees, float(np.sum(bias)), columns)


def _export(model: Any) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        exported: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return exported


def _clear_leaves(model: Any) -> Any:
    """A copy of CatBoost's whose leaves without training rows are 0; of a file, since only what was read is altered."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.cbm")
        model.save_model(path)
        copy = type(model)().load_model(path)
    copy.set_leaf_values(np.where(model.get_leaf_weights() > 0.0, model.get_leaf_values(), 0.0))
    return copy


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


FAMILY: Final = Family(
    name="catboost",
    library="catboost",
    models=("catboost.CatBoostClassifier", "catboost.CatBoost"),
    fit=fit_catboost,
    probability=class_probability,
    compile=compiled_catboost,
    reference=explain_catboost,
    contribution_limit=1e-9,
    explained=clear_unreached_leaves,
    contribution_space=ContributionSpace.LOG_ODDS,
    missing_as=None,
    space={
        "depth": Dimension(SHALLOWEST, DEEPEST_BOOSTED, start=6.0, step=1.0),
        "rate": Dimension(0.05, 0.25, start=0.1, log=True),
        "shrinkage": Dimension(1.0, 20.0, start=3.0, log=True),
        "noise": Dimension(0.0, 2.0, start=1.0),
        "default_weight": DefaultWeight(),
    },
    fixed=FIXED,
)
