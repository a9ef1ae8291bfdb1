"""The points scorecard: each column's bins have weights of evidence, and a logistic regression weighs the columns.

Additive, so that its contributions are its bins' own weights, and every bin has points. Bins are the leaves of a small
tree of scikit-learn on the column alone, in the contract's direction of risk; missing is a bin of its own. A weight of
evidence is the log-odds of a bin's defaults over those of all rows (Siddiqi, *Credit Risk Scorecards*, 2006, chapter
6). `training.evaluation.points_table` shows the points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.events.decisions import ContributionSpace
from scorecard.calibration import sigmoid
from scorecard.forest.forest import LEAF, Forest
from training.families.family import Dimension, Encoded, Family, Labels, Numbers, TrainingSample, itself
from training.families.trees import LARGEST, CompileError, Tree, forest_of_trees

HALF: Final = 0.5
"""Count that is added to each class of a bin: a bin without defaults has a weight, too."""
BELOW_ALL: Final = -2.0 * LARGEST
"""A threshold that no value is under: it parts the missing from all others."""
MOST_ROUNDS: Final = 200
FIXED: Final = {"half": HALF}


@dataclass(frozen=True, slots=True)
class BinnedColumn:
    """One column's bins.

    Bin i has values in edges[i-1] < x <= edges[i], ends open; the last of `weights` and `rows` is of missing values.
    """

    column: int
    edges: Numbers
    weights: Numbers
    """Of evidence, times the column's coefficient: what a bin adds to the log-odds."""
    rows: Numbers
    """Of the training in each bin."""

    def places(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        """The bin of each value; shape of `values`."""
        places = np.searchsorted(self.edges, values.astype(np.float64), side="left")
        places[np.isnan(values)] = len(self.edges) + 1
        return np.asarray(places)


@dataclass(frozen=True, slots=True)
class PointsModel:
    intercept: float
    columns: tuple[BinnedColumn, ...]

    def margins(self, matrix: Encoded) -> Numbers:
        """Log-odds, shape (n,)."""
        margin = np.full(len(matrix), self.intercept)
        for each in self.columns:
            margin += each.weights[each.places(matrix[:, each.column])]
        return margin


def fit_points(
    parameters: Mapping[str, float],
    train: TrainingSample,
    _stopping: TrainingSample,
    monotone: tuple[int, ...],
    seed: int,
) -> tuple[PointsModel, int]:
    """A points scorecard; see `Family.fit`.

    A column whose coefficient is negative says the opposite of its own bins, and is left out, the worst first.
    """
    from sklearn.linear_model import LogisticRegression

    binned = [
        each
        for column, way in enumerate(monotone)
        if (each := _bin_column(column, train, parameters, way, seed)) is not None
    ]
    model = LogisticRegression(C=parameters["looseness"], max_iter=MOST_ROUNDS)
    if not binned:
        problem = "no column parts the rows into bins: a points scorecard needs more rows, or smaller bins"
        raise CompileError(problem)
    evidence = np.stack([each.weights[each.places(train.matrix[:, each.column])] for each in binned], axis=1)
    kept = np.arange(len(binned))
    while True:
        model.fit(evidence[:, kept], train.defaulted)
        lowest = int(np.argmin(model.coef_[0]))
        if model.coef_[0][lowest] >= 0.0 or len(kept) == 1:
            break
        kept = np.delete(kept, lowest)
    coefficients = np.maximum(model.coef_[0], 0.0).tolist()
    weighed = [_times(binned[place], weight) for place, weight in zip(kept, coefficients, strict=True)]
    return PointsModel(float(model.intercept_[0]), tuple(weighed)), len(weighed)


def _bin_column(
    column: int, train: TrainingSample, parameters: Mapping[str, float], way: int, seed: int
) -> BinnedColumn | None:
    """The bins of a column; None where all rows would be in one."""
    values, defaulted = train.matrix[:, column], train.defaulted
    known = ~np.isnan(values)
    edges = _edges(values[known], defaulted[known], parameters, way, seed)
    if len(edges) == 0 and known.all():
        return None
    plain = BinnedColumn(column, edges, np.zeros(len(edges) + 2), np.zeros(len(edges) + 2))
    places = plain.places(values)
    defaults = np.bincount(places, weights=defaulted, minlength=len(edges) + 2).astype(np.float64)
    rows = np.bincount(places, minlength=len(edges) + 2).astype(np.float64)
    weights = _evidence(defaults, rows)
    if way:
        # The tree's shares go that way, and the half counts of two bins need not.
        weights[:-1] = way * np.maximum.accumulate(way * weights[:-1])
    return BinnedColumn(column, edges, weights, rows)


def _evidence(defaults: Numbers, rows: Numbers) -> Numbers:
    odds = np.log((defaults + HALF) / (rows - defaults + HALF))
    whole = np.log((defaults.sum() + HALF) / ((rows - defaults).sum() + HALF))
    # Nothing is known of a bin that no row was in.
    return np.where(rows > 0.0, odds - whole, 0.0)


def _edges(
    values: npt.NDArray[np.float32], defaulted: Labels, parameters: Mapping[str, float], way: int, seed: int
) -> Numbers:
    from sklearn.tree import DecisionTreeClassifier

    if len(values) == 0:
        return np.empty(0)
    tree = DecisionTreeClassifier(
        max_depth=int(parameters["depth"]),
        min_samples_leaf=int(min(parameters["leaf_rows"], len(values))),
        monotonic_cst=[way],
        random_state=seed,
    )
    nodes = tree.fit(values[:, None], defaulted).tree_
    return np.sort(nodes.threshold[nodes.children_left >= 0])


def _times(each: BinnedColumn, weight: float) -> BinnedColumn:
    return BinnedColumn(each.column, each.edges, weight * each.weights, each.rows)


def points_probability(model: PointsModel, matrix: Encoded) -> Numbers:
    return sigmoid(model.margins(matrix))


def explain_points(model: PointsModel, matrix: Encoded) -> tuple[Numbers, Numbers]:
    """A bin's weight less the mean over the training's rows; see `Family.reference`."""
    contributions = np.zeros(matrix.shape)
    for each in model.columns:
        mean = np.average(each.weights, weights=each.rows)
        contributions[:, each.column] = each.weights[each.places(matrix[:, each.column])] - mean
    return model.margins(matrix), contributions


def compiled_points(model: PointsModel, columns: int) -> Forest:
    """The forest: one tree a column."""
    return forest_of_trees([_tree(each) for each in model.columns], model.intercept, columns)


def _tree(each: BinnedColumn) -> Tree:
    """Of the missing at its root, then of one edge after the other, the lowest first."""
    thresholds = [BELOW_ALL, *each.edges.tolist()]
    leaves = np.concatenate([each.weights[-1:], each.weights[:-1]])
    rows = np.concatenate([each.rows[-1:], each.rows[:-1]])
    questions = len(thresholds)
    # Question i is node 2 i, its left leaf node 2 i + 1; the last node is the leaf of what is above all edges.
    leaf = np.arange(2 * questions + 1) % 2 == 1
    leaf[-1] = True
    links = np.arange(2 * questions + 1)
    return Tree(
        feature=np.where(leaf, LEAF, each.column),
        threshold=np.where(leaf, 0.0, np.append(np.repeat(thresholds, 2), 0.0)),
        left=np.where(leaf, LEAF, links + 1),
        right=np.where(leaf, LEAF, links + 2),
        missing_left=~leaf & (links == 0),
        value=_interleave(np.zeros(questions), leaves),
        cover=_interleave(np.cumsum(rows[::-1])[::-1][:questions], rows),
    )


def _interleave(questions: Numbers, leaves: Sequence[float] | Numbers) -> Numbers:
    whole = np.empty(2 * len(questions) + 1)
    whole[:-1:2], whole[1::2], whole[-1] = questions, leaves[:-1], leaves[-1]
    return whole


FAMILY: Final = Family(
    name="points",
    library="scikit-learn",
    models=("training.PointsModel",),
    fit=fit_points,
    probability=points_probability,
    compile=compiled_points,
    reference=explain_points,
    contribution_limit=1e-9,
    explained=itself,
    contribution_space=ContributionSpace.LOG_ODDS,
    missing_as=None,
    space={
        "depth": Dimension(2, 4, start=3.0, step=1.0),
        "leaf_rows": Dimension(20, 200, start=50.0, step=10.0),
        "looseness": Dimension(0.01, 100.0, start=1.0, log=True),
    },
    fixed=FIXED,
)
