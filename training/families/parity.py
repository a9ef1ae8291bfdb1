"""Proof, at training time, that the compiled forest answers as the library does.

Margins against the library's own, contributions against `pred_contribs` of XGBoost (float32) and
`ShapValues` of CatBoost (float64). scikit-learn explains nothing: a random forest is held against
the definition, worked out by another way than the kernels', leaf by leaf from scikit-learn's own
arrays. A scorecard that does not agree is not registered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.errors import SetupError
from scorecard.forest.explainer import Explainer
from scorecard.forest.forest import Forest, margins
from training.families.family import Matrix, Numbers
from training.families.xgboost_family import iterations_used

MARGIN_LIMIT: Final = 1e-6
"""Relative: XGBoost's leaves are float32."""

STRETCH: Final = 64
"""Trees that XGBoost adds by itself. It adds in float32, and beyond some hundred trees the rounding of
its sum alone passes the limit; so it is asked for stretches, which are then added in float64."""

CONTRIBUTION_LIMITS: Final[Mapping[str, float]] = {"xgboost": 1e-5, "catboost": 1e-9, "sklearn": 1e-9}
"""Relative to the largest margin where that is above 1: what a library's own arithmetic gives."""

ADDITIVITY_LIMIT: Final = 1e-9

FOREST_ROWS: Final = 8
"""Of a random forest, worked out leaf by leaf: each row costs about .1 s."""


class ParityError(SetupError):
    """The compiled forest does not answer as its model does: it must not be registered."""


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest differences found, relative to the largest margin where that is above 1."""

    margin_error: float
    contribution_error: float


def proven(forest: Forest, explainer: Explainer, model: Any, matrix: Matrix) -> Parity:
    """How far the forest is from the model, which is not too far.

    Args:
        forest: compiled from the model.
        explainer: of the forest, whatever its columns' features.
        model: what `training.families.registry` takes.
        matrix: rows as the library takes them, shape (n, columns); a few hundred prove as much as all. Where
            training had a number stand for missing values, that number.

    Raises:
        ParityError: margins, contributions or their sum differ by more than the limits; says by how much.
    """
    family = type(model).__module__.partition(".")[0]
    margin = margins(forest, matrix)
    contributions = _by_column(_attributed(forest, family), matrix)
    library_margin, library_contributions = REFERENCES[family](model, matrix)
    scale = max(1.0, float(np.abs(library_margin).max(initial=0.0)))
    parity = Parity(
        margin_error=_gap(margin, library_margin) / scale,
        contribution_error=_gap(contributions[: len(library_contributions)], library_contributions) / scale,
    )
    _refuse_beyond("margins", parity.margin_error, MARGIN_LIMIT)
    _refuse_beyond("contributions", parity.contribution_error, CONTRIBUTION_LIMITS[family])
    total, by_feature = explainer.explain(matrix)
    _refuse_beyond("sums", _gap(explainer.base_value + by_feature.sum(axis=1), margin) / scale, ADDITIVITY_LIMIT)
    _refuse_beyond("margins of features", _gap(total, margin) / scale, ADDITIVITY_LIMIT)
    return parity


def _attributed(forest: Forest, family: str) -> Forest:
    """The forest that the library's contributions are of."""
    if family != "catboost":
        return forest
    return replace(forest, value=np.where(forest.cover > 0.0, forest.value, 0.0))


def _by_column(forest: Forest, matrix: Matrix) -> Numbers:
    columns = Explainer(forest, np.arange(forest.columns, dtype=np.int32), forest.columns)
    return columns.explain(matrix)[1]


def _xgboost(model: Any, matrix: Matrix) -> tuple[Numbers, Numbers]:
    from xgboost import DMatrix

    booster = model.get_booster() if hasattr(model, "get_booster") else model
    rows, rounds = DMatrix(matrix, nthread=1), iterations_used(booster)
    contributions = booster.predict(rows, pred_contribs=True, iteration_range=(0, rounds))
    margin = np.zeros(len(matrix))
    for first in range(0, rounds, STRETCH):
        stretch = (first, min(first + STRETCH, rounds))
        margin += booster.predict(rows, output_margin=True, iteration_range=stretch)
        rows.set_base_margin(np.zeros(len(matrix)))  # the first stretch had the base score in it
    return margin, contributions[:, :-1].astype(np.float64)


def _catboost(model: Any, matrix: Matrix) -> tuple[Numbers, Numbers]:
    """CatBoost passes over leaves that no training row reached, as if they were 0.

    Under monotone constraints they are not. So its contributions are of a copy in which they are, and
    held against those of a forest in which they are, too (`_attributed`).
    """
    from catboost import Pool

    rows = Pool(matrix)
    margin = model.predict(rows, prediction_type="RawFormulaVal", thread_count=1)
    explained = _emptied(model).get_feature_importance(rows, type="ShapValues", thread_count=1)
    return np.asarray(margin), np.asarray(explained)[:, :-1]


def _emptied(model: Any) -> Any:
    """A copy of CatBoost's whose leaves without training rows are 0; of a file, since only what was read is altered."""
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.cbm")
        model.save_model(path)
        copy = type(model)().load_model(path)
    copy.set_leaf_values(np.where(model.get_leaf_weights() > 0.0, model.get_leaf_values(), 0.0))
    return copy


def _sklearn(model: Any, matrix: Matrix) -> tuple[Numbers, Numbers]:
    contributions = np.zeros((min(FOREST_ROWS, len(matrix)), matrix.shape[1]))
    for estimator in model.estimators_:
        leaves = _Leaves.of(estimator.tree_, matrix[: len(contributions)])
        contributions += leaves.contributions() / len(model.estimators_)
    return np.asarray(model.predict_proba(matrix)[:, 1]), contributions


REFERENCES: Final[Mapping[str, Callable[[Any, Matrix], tuple[Numbers, Numbers]]]] = {
    "xgboost": _xgboost,
    "catboost": _catboost,
    "sklearn": _sklearn,
}


@dataclass(frozen=True, slots=True)
class _Leaves:
    """The leaves of one tree of scikit-learn's: value, share of each column, and whether rows satisfy each column."""

    value: Numbers
    share: Numbers
    satisfied: npt.NDArray[np.bool_]
    """Shape (rows, leaves, columns)."""

    @classmethod
    def of(cls, tree: Any, matrix: Matrix) -> "_Leaves":
        found: list[tuple[float, Numbers, npt.NDArray[np.bool_]]] = []
        everything = (0, np.ones(matrix.shape[1]), np.ones(matrix.shape, dtype=np.bool_))
        waiting = [everything]
        while waiting:
            node, share, satisfied = waiting.pop()
            if tree.children_left[node] < 0:
                found.append((float(tree.value[node, 0, 1] / tree.value[node, 0].sum()), share, satisfied))
            else:
                waiting += [_way(tree, matrix, (node, share, satisfied), left=left) for left in (True, False)]
        values, shares, rows = zip(*found, strict=True)
        return cls(np.array(values), np.array(shares), np.stack(rows, axis=1))

    def contributions(self) -> Numbers:
        """The integral of `scorecard.forest.quadrature`, by the rule of numpy's that is exact for all columns."""
        rule = np.polynomial.legendre.leggauss(self.share.shape[1] // 2 + 1)
        gain = self.satisfied - self.share
        total = np.zeros((len(self.satisfied), self.share.shape[1]))
        for place, weight in zip((rule[0] + 1.0) / 2.0, rule[1] / 2.0, strict=True):
            factors = place * self.satisfied + (1.0 - place) * self.share
            product = factors.prod(axis=2, keepdims=True) * self.value[:, None]
            total += weight * (gain * product / factors).sum(axis=1)
        return total


def _way(
    tree: Any, matrix: Matrix, state: tuple[int, Numbers, npt.NDArray[np.bool_]], *, left: bool
) -> tuple[int, Numbers, npt.NDArray[np.bool_]]:
    node, share, satisfied = state
    child = int((tree.children_left if left else tree.children_right)[node])
    column = int(tree.feature[node])
    values = matrix[:, column]
    goes_left = np.where(np.isnan(values), bool(tree.missing_go_to_left[node]), values <= tree.threshold[node])
    share, satisfied = share.copy(), satisfied.copy()
    share[column] *= tree.weighted_n_node_samples[child] / tree.weighted_n_node_samples[node]
    satisfied[:, column] &= goes_left == left
    return child, share, satisfied


def _gap(ours: Numbers, theirs: Numbers) -> float:
    return float(np.abs(ours - theirs).max(initial=0.0))


def _refuse_beyond(what: str, error: float, limit: float) -> None:
    if not error <= limit:
        problem = f"the compiled forest's {what} differ from the library's by {error:.2g}, more than {limit:g}"
        raise ParityError(problem)
