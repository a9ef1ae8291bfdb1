"""LightGBM: boosted trees grown leaf by leaf, compiled from its own text format.

Trees compare float64 with float64, `x <= t`; the mean of the labels is in the first tree's leaves. A missing
value goes the node's way if training saw one in that column, and is 0 if it saw none. Covers are counts
of rows.
"""

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
from training.families.trees import CompileError, Tree, forest_of_trees

OBJECTIVE: Final = "binary sigmoid:1"
DEFAULT_LEFT, MISSING, MISSING_NAN = 2, 12, 8
"""Bits of `decision_type`; of the two for missing values, none set takes NaN for 0."""

BINS: Final = 4095
"""Distinct values in a column. LightGBM's own 255 cost .005 AUC on the public credit-risk file, as XGBoost's do."""

FIXED: Final = {
    "objective": "binary",
    "max_bin": BINS,
    "min_data_in_leaf": 5,
    "monotone_constraints_method": "basic",
    "num_threads": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}


def fit_lightgbm(
    parameters: Mapping[str, float],
    train: TrainingSample,
    stopping: TrainingSample,
    monotone: tuple[int, ...],
    seed: int,
) -> tuple[Any, int]:
    """A Booster up to its best round; see `Family.fit`."""
    import lightgbm

    given = {
        **FIXED,
        "max_depth": int(parameters["depth"]),
        "num_leaves": 2 ** int(parameters["depth"]),
        "learning_rate": parameters["rate"],
        "min_sum_hessian_in_leaf": parameters["child_weight"],
        "feature_fraction": parameters["columns"],
        "lambda_l2": parameters["shrinkage"],
        "scale_pos_weight": parameters["default_weight"],
        "monotone_constraints": list(monotone),
        "seed": seed,
    }
    rows = lightgbm.Dataset(train.matrix, train.defaulted.astype(np.float32))
    held = lightgbm.Dataset(stopping.matrix, stopping.defaulted.astype(np.float32), reference=rows)
    patience = lightgbm.early_stopping(PATIENCE, verbose=False)
    booster = lightgbm.train(given, rows, int(parameters["trees"]), valid_sets=[held], callbacks=[patience])
    best = lightgbm.Booster(model_str=booster.model_to_string(num_iteration=booster.best_iteration))
    return best, int(best.num_trees())


def lightgbm_probability(model: Any, matrix: Encoded) -> Numbers:
    return np.asarray(_booster(model).predict(matrix, num_threads=1), dtype=np.float64)


def explain_lightgbm(model: Any, matrix: Encoded) -> tuple[Numbers, Numbers]:
    """`pred_contrib`, in float64; see `Family.reference`."""
    booster = _booster(model)
    margin = booster.predict(matrix, raw_score=True, num_threads=1)
    contributions = booster.predict(matrix, pred_contrib=True, num_threads=1)
    return np.asarray(margin, dtype=np.float64), np.asarray(contributions)[:, :-1]


def compiled_lightgbm(model: Any, columns: int) -> Forest:
    """The forest of a Booster or an LGBMClassifier of two classes; of one stopped early, up to its best iteration.

    Raises:
        CompileError: another objective, averaged or linear trees, or a split by categories.
    """
    booster = _booster(model)
    header, *blocks = booster.model_to_string(num_iteration=booster.best_iteration).split("\nTree=")
    _refuse_others(header)
    return forest_of_trees([_tree(_entries(block)) for block in blocks], 0.0, columns)


def _booster(model: Any) -> Any:
    return getattr(model, "booster_", model)


def _entries(block: str) -> Mapping[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _refuse_others(header: str) -> None:
    objective = _entries(header).get("objective", "none")
    if objective != OBJECTIVE:
        problem = f"LightGBM: {objective} cannot be compiled, only {OBJECTIVE}"
        raise CompileError(problem)
    if "average_output" in header.splitlines():
        problem = "LightGBM: averaged trees (boosting=rf) cannot be compiled"
        raise CompileError(problem)


def _tree(entries: Mapping[str, str]) -> Tree:
    if int(entries["num_cat"]) or int(entries.get("is_linear", "0")):
        problem = "LightGBM: a categorical split or a linear leaf cannot be compiled; encode the levels as columns"
        raise CompileError(problem)
    value = _numbers(entries, "leaf_value")
    if len(value) == 1:
        return _leaf_alone(value)
    inner, leaves = len(value) - 1, np.full(len(value), LEAF)
    threshold = _numbers(entries, "threshold")
    return Tree(
        feature=np.concatenate([_numbers(entries, "split_feature"), leaves]),
        threshold=np.concatenate([threshold, np.zeros(len(value))]),
        left=np.concatenate([_links(entries, "left_child", inner), leaves]),
        right=np.concatenate([_links(entries, "right_child", inner), leaves]),
        missing_left=np.concatenate([_missing_goes_left(entries, threshold), np.zeros(len(value), np.bool_)]),
        value=np.concatenate([np.zeros(inner), value]),
        cover=np.concatenate([_numbers(entries, "internal_count"), _numbers(entries, "leaf_count")]),
    )


def _leaf_alone(value: Numbers) -> Tree:
    nothing = np.array([LEAF])
    return Tree(
        feature=nothing,
        threshold=np.zeros(1),
        left=nothing,
        right=nothing,
        missing_left=np.zeros(1, np.bool_),
        value=value,
        cover=np.ones(1),
    )


def _missing_goes_left(entries: Mapping[str, str], threshold: Numbers) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """The way of NaN: as the node says, or as 0 if training saw no NaN in that column."""
    decision = _numbers(entries, "decision_type").astype(np.int64)
    if not np.isin(decision & MISSING, (0, MISSING_NAN)).all():
        problem = "LightGBM: zero for missing (zero_as_missing) cannot be compiled"
        raise CompileError(problem)
    return np.where(decision & MISSING == MISSING_NAN, decision & DEFAULT_LEFT > 0, threshold >= 0.0)


def _links(entries: Mapping[str, str], name: str, inner: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Children's places: those below 0 are leaves, which come after the inner nodes."""
    links = _numbers(entries, name).astype(np.int64)
    return np.where(links < 0, inner + ~links, links)


def _numbers(entries: Mapping[str, str], name: str) -> Numbers:
    return np.array(entries[name].split(), dtype=np.float64)


FAMILY: Final = Family(
    name="lightgbm",
    library="lightgbm",
    models=("lightgbm.Booster", "lightgbm.LGBMClassifier"),
    fit=fit_lightgbm,
    probability=lightgbm_probability,
    compile=compiled_lightgbm,
    reference=explain_lightgbm,
    contribution_limit=1e-9,
    explained=itself,
    contribution_space=ContributionSpace.LOG_ODDS,
    missing_as=None,
    space={
        "depth": Dimension(SHALLOWEST, DEEPEST_BOOSTED, start=6.0, step=1.0),
        "rate": Dimension(0.03, 0.2, start=0.05, log=True),
        "child_weight": Dimension(1.0, 20.0, start=1.0, log=True),
        "columns": Dimension(0.5, 1.0, start=0.6),
        "shrinkage": Dimension(0.3, 20.0, start=3.0, log=True),
        "default_weight": DefaultWeight(),
    },
    fixed=FIXED,
)
