"""Random forests of scikit-learn: the mean of the trees' probabilities, so in probability space.

Trees compare float32 values with float64 thresholds, `x <= t`; a leaf's value is its share of
class 1, divided by the number of trees. scikit-learn has no attribution: a forest is compared with the
definition, computed in a different way from the kernels', leaf by leaf from scikit-learn's own arrays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.events.decisions import ContributionSpace
from scorecard.forest.forest import LEAF, Forest
from training.families.family import Dimension, Encoded, Family, Numbers, TrainingSample, itself
from training.families.trees import CompileError, Tree, class_probability, forest_of_trees

CLASSES: Final = 2

DEEPEST: Final = 8
"""A random forest has fewer trees than boosting, and is nothing when shallow."""

BELOW_ALL: Final = -1e9
"""Stands for a missing number: below every value, so that missing goes left everywhere. scikit-learn takes
monotone constraints only for matrices without NaN."""

REFERENCE_ROWS: Final = 8
"""Worked out leaf by leaf: each row costs about .1 s."""

FIXED: Final = {"n_jobs": 1}


def fit_random_forest(
    parameters: Mapping[str, float],
    train: TrainingSample,
    _stopping: TrainingSample,
    monotone: tuple[int, ...],
    seed: int,
) -> tuple[Any, int]:
    """A RandomForestClassifier; see `Family.fit`."""
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(
        **FIXED,
        n_estimators=int(parameters["trees"]),
        max_depth=int(parameters["depth"]),
        min_samples_leaf=int(parameters["leaf_rows"]),
        max_features=parameters["columns"],
        monotonic_cst=monotone,
        random_state=seed,
    )
    model.fit(train.matrix, train.defaulted)
    return model, len(model.estimators_)


def explain_random_forest(model: Any, matrix: Encoded) -> tuple[Numbers, Numbers]:
    """Contributions of the first rows, by the definition; see `Family.reference`."""
    contributions = np.zeros((min(REFERENCE_ROWS, len(matrix)), matrix.shape[1]))
    for estimator in model.estimators_:
        leaves = _Leaves.of(estimator.tree_, matrix[: len(contributions)])
        contributions += leaves.contributions() / len(model.estimators_)
    return class_probability(model, matrix), contributions


def compiled_random_forest(model: Any, columns: int) -> Forest:
    """The forest of a RandomForestClassifier of two classes.

    Raises:
        CompileError: it has other than two classes, or several outputs.
    """
    if model.n_outputs_ != 1 or len(model.classes_) != CLASSES:
        problem = f"RandomForest: {model.n_outputs_} outputs of {len(model.classes_)} classes cannot be compiled"
        raise CompileError(problem)
    share = 1.0 / len(model.estimators_)
    return forest_of_trees([_tree(estimator.tree_, share) for estimator in model.estimators_], 0.0, columns)


def _tree(tree: Any, share: float) -> Tree:
    counts = tree.value[:, 0, :]
    leaf = tree.children_left < 0
    return Tree(
        feature=np.where(leaf, LEAF, tree.feature),
        threshold=tree.threshold,
        left=tree.children_left,
        right=tree.children_right,
        missing_left=tree.missing_go_to_left.astype(np.bool_),
        value=share * counts[:, 1] / counts.sum(axis=1),
        cover=tree.weighted_n_node_samples,
    )


@dataclass(frozen=True, slots=True)
class _Leaves:
    """The leaves of one tree of scikit-learn's: value, share of each column, and whether rows satisfy each column."""

    value: Numbers
    share: Numbers
    satisfied: npt.NDArray[np.bool_]
    """Shape (rows, leaves, columns)."""

    @classmethod
    def of(cls, tree: Any, matrix: Encoded) -> "_Leaves":
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
    tree: Any, matrix: Encoded, state: tuple[int, Numbers, npt.NDArray[np.bool_]], *, left: bool
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


FAMILY: Final = Family(
    name="random_forest",
    library="scikit-learn",
    models=("sklearn.RandomForestClassifier",),
    fit=fit_random_forest,
    probability=class_probability,
    compile=compiled_random_forest,
    reference=explain_random_forest,
    contribution_limit=1e-9,
    explained=itself,
    contribution_space=ContributionSpace.PROBABILITY,
    missing_as=BELOW_ALL,
    space={
        "trees": Dimension(80, 160, start=120.0, step=20.0),
        "depth": Dimension(6, DEEPEST, start=8.0, step=1.0),
        "leaf_rows": Dimension(3, 30, start=5.0, step=1.0),
        "columns": Dimension(0.3, 0.9, start=0.5),
    },
    fixed=FIXED,
)
