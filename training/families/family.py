"""One model of one family, fitted: XGBoost, CatBoost or a random forest on the encoded matrix.

Every fit runs on one thread, so that the same rows, parameters and seed give the same model on any
number of cores; the folds of a search run beside each other instead. No clock, no environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Encoded = npt.NDArray[np.float32]
Labels = npt.NDArray[np.bool_]
Probabilities = npt.NDArray[np.float64]

PATIENCE: Final = 40
"""Rounds without gain on the stopping rows before boosting ends."""

BINS: Final = 4096
"""Values told apart in a column by XGBoost. Its own 256 blur rules such as "a third of the income": on the
public credit-risk file that cost .003 AUC over folds that keep near-clones together (.005 without prices).
CatBoost keeps its 254: with 1,024 a fit takes four times as long, and gains less."""

BELOW_ALL: Final = np.float32(-1e9)
"""Stands for a missing number in a random forest: below every value, so that missing goes left
everywhere. scikit-learn takes monotone constraints only for matrices without NaN."""


class Family(StrEnum):
    """Who builds the trees."""

    XGBOOST = "xgboost"
    CATBOOST = "catboost"
    RANDOM_FOREST = "random_forest"


@dataclass(frozen=True, slots=True)
class Choice:
    """A family and its parameters, by our names: depth, rate, trees, ..."""

    family: Family
    parameters: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Sample:
    """Encoded rows, shape (n, columns), and their labels, shape (n,)."""

    matrix: Encoded
    defaulted: Labels

    def take(self, places: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "Sample":
        """The rows at these places."""
        return Sample(self.matrix[places], self.defaulted[places])


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model of a library."""

    choice: Choice
    model: Any
    """xgboost.Booster, catboost.CatBoostClassifier or sklearn's RandomForestClassifier."""
    trees: int

    @property
    def cost(self) -> float:
        """What an explanation costs, in leaves times depth: the forest's upper bound."""
        depth = self.choice.parameters["depth"]
        return float(self.trees * 2.0**depth * depth)

    def prepared(self, matrix: Encoded) -> Encoded:
        """The matrix as this family's library takes it."""
        return _filled(matrix) if self.choice.family is Family.RANDOM_FOREST else matrix

    def probability(self, matrix: Encoded) -> Probabilities:
        """The library's own probability of default, before calibration; shape (n,)."""
        if self.choice.family is Family.XGBOOST:
            return np.asarray(self.model.inplace_predict(matrix), dtype=np.float64)
        return np.asarray(self.model.predict_proba(self.prepared(matrix))[:, 1], dtype=np.float64)


def fitted(choice: Choice, train: Sample, stopping: Sample, monotone: tuple[int, ...], seed: int) -> Fitted:
    """The model of one choice.

    Args:
        choice: family and parameters.
        train: what it learns from.
        stopping: where boosting sees that it has learned enough; a random forest does not look at it.
        monotone: for each column the direction in which risk may move: -1, 0 (free) or 1.
        seed: of the sampling of rows and columns.
    """
    return _FITTERS[choice.family](choice, train, stopping, monotone, seed)


def _xgboost(choice: Choice, train: Sample, stopping: Sample, monotone: tuple[int, ...], seed: int) -> Fitted:
    import xgboost

    given = choice.parameters
    parameters = {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "max_bin": BINS,
        "max_depth": int(given["depth"]),
        "eta": given["rate"],
        "min_child_weight": given["child_weight"],
        "subsample": given["rows"],
        "colsample_bytree": given["columns"],
        "lambda": given["shrinkage"],
        "scale_pos_weight": given["default_weight"],
        "monotone_constraints": monotone,
        "nthread": 1,
        "seed": seed,
    }
    booster = xgboost.train(
        parameters,
        xgboost.DMatrix(train.matrix, train.defaulted, nthread=1),
        num_boost_round=int(given["trees"]),
        evals=[(xgboost.DMatrix(stopping.matrix, stopping.defaulted, nthread=1), "stopping")],
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
    )
    trees = booster.best_iteration + 1
    return Fitted(choice, booster[:trees], trees)


def _catboost(choice: Choice, train: Sample, stopping: Sample, monotone: tuple[int, ...], seed: int) -> Fitted:
    from catboost import CatBoostClassifier

    given = choice.parameters
    model = CatBoostClassifier(
        iterations=int(given["trees"]),
        depth=int(given["depth"]),
        learning_rate=given["rate"],
        l2_leaf_reg=given["shrinkage"],
        random_strength=given["noise"],
        scale_pos_weight=given["default_weight"],
        monotone_constraints=list(monotone),
        random_seed=seed,
        thread_count=1,
        od_type="Iter",
        od_wait=PATIENCE,
        allow_writing_files=False,
        verbose=False,
    )
    labels = train.defaulted.astype(np.int8)
    model.fit(train.matrix, labels, eval_set=(stopping.matrix, stopping.defaulted.astype(np.int8)))
    return Fitted(choice, model, int(model.tree_count_))


def _random_forest(choice: Choice, train: Sample, _stopping: Sample, monotone: tuple[int, ...], seed: int) -> Fitted:
    from sklearn.ensemble import RandomForestClassifier

    given = choice.parameters
    model = RandomForestClassifier(
        n_estimators=int(given["trees"]),
        max_depth=int(given["depth"]),
        min_samples_leaf=int(given["leaf_rows"]),
        max_features=given["columns"],
        monotonic_cst=monotone,
        random_state=seed,
        n_jobs=1,
    )
    model.fit(_filled(train.matrix), train.defaulted)
    return Fitted(choice, model, len(model.estimators_))


_FITTERS: Final = {
    Family.XGBOOST: _xgboost,
    Family.CATBOOST: _catboost,
    Family.RANDOM_FOREST: _random_forest,
}


def _filled(matrix: Encoded) -> Encoded:
    return np.where(np.isnan(matrix), BELOW_ALL, matrix)


Numbers = npt.NDArray[np.float64]


Matrix = npt.NDArray[np.float32]
