"""Shared by the families: one tree's arrays, joining trees to a forest, probabilities of classifiers.

Pure, and without any of the libraries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.errors import SetupError
from scorecard.forest.forest import LEAF, Forest

LARGEST: Final = float(np.finfo(np.float32).max)
"""Of the values of rows: every finite one is at most this, and none is at most twice its negative."""


class CompileError(SetupError):
    """A model that the forest's arrays cannot represent; names the part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """One tree, its root at 0, its children's places counted from there; `LEAF` in `feature` marks a leaf.

    A row goes left where its value is at most the threshold. What is said of links and thresholds
    in leaves, and of values elsewhere, is not looked at.
    """

    feature: npt.NDArray[Any]
    threshold: npt.NDArray[Any]
    left: npt.NDArray[Any]
    right: npt.NDArray[Any]
    missing_left: npt.NDArray[Any]
    value: npt.NDArray[Any]
    cover: npt.NDArray[Any]


def forest_of_trees(trees: Sequence[Tree], base: float, columns: int) -> Forest:
    """The forest of these trees, checked.

    Raises:
        CompileError: a tree asks about a column that rows do not have.
        ForestError: the arrays are not those of trees.
    """
    most = max((int(tree.feature.max(initial=LEAF)) for tree in trees), default=LEAF)
    if most >= columns:
        problem = f"the model asks about column {most}, but a row has {columns} columns"
        raise CompileError(problem)
    sizes = [len(tree.feature) for tree in trees]
    roots = np.cumsum([0, *sizes])[:-1].astype(np.int32)
    leaf = _concatenate([tree.feature == LEAF for tree in trees], np.bool_)
    shift = np.repeat(roots, sizes)
    forest = Forest(
        feature=_concatenate([tree.feature for tree in trees], np.int32),
        threshold=np.where(leaf, 0.0, _finite(_concatenate([tree.threshold for tree in trees], np.float64))),
        left=np.where(leaf, LEAF, _concatenate([tree.left for tree in trees], np.int32) + shift).astype(np.int32),
        right=np.where(leaf, LEAF, _concatenate([tree.right for tree in trees], np.int32) + shift).astype(np.int32),
        missing_left=~leaf & _concatenate([tree.missing_left for tree in trees], np.bool_),
        value=np.where(leaf, _concatenate([tree.value for tree in trees], np.float64), 0.0),
        cover=_concatenate([tree.cover for tree in trees], np.float64),
        roots=roots,
        base=float(base),
        columns=columns,
    )
    forest.check()
    return forest


def class_probability(model: Any, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Of class 1, shape (n,), as models in the manner of scikit-learn say it."""
    return np.asarray(model.predict_proba(matrix)[:, 1], dtype=np.float64)


def below(thresholds: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The thresholds t' by which `x <= t'` asks of float32 values what `x < t` asks."""
    return np.nextafter(thresholds, np.float32(-np.inf)).astype(np.float64)


def _finite(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Finite thresholds in the place of infinite ones, by which scikit-learn parts missing values from all others."""
    return np.clip(thresholds, -2.0 * LARGEST, LARGEST)


def _concatenate(arrays: Sequence[npt.NDArray[Any]], kind: Any) -> npt.NDArray[Any]:
    return np.concatenate([np.empty(0, kind), *arrays]).astype(kind)
