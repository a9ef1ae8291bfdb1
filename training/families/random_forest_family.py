"""scikit-learn's random forests to forests: the mean of the trees' probabilities, so in probability space.

Trees compare float32 values with float64 thresholds, `x <= t`; a leaf's value is its share of
class 1, divided by the number of trees.
"""

from typing import Any, Final

import numpy as np

from scorecard.forest.forest import LEAF, Forest
from training.families.trees import CompileError, Tree, grown

CLASSES: Final = 2


def compiled_random_forest(model: Any, columns: int) -> Forest:
    """The forest of a RandomForestClassifier of two classes.

    Raises:
        CompileError: it has other than two classes, or several outputs.
    """
    if model.n_outputs_ != 1 or len(model.classes_) != CLASSES:
        problem = f"RandomForest: {model.n_outputs_} outputs of {len(model.classes_)} classes cannot be compiled"
        raise CompileError(problem)
    share = 1.0 / len(model.estimators_)
    return grown([_tree(estimator.tree_, share) for estimator in model.estimators_], 0.0, columns)


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
