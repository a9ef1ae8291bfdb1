"""A library's model to the one forest of plain arrays that the worker runs.

Exact in thresholds (as each library compares float32), in the way of missing values, in covers and
in the base. What cannot be compiled is refused. That margins and contributions are the library's
own is proven by `training.families.parity`. Which family a model is of is told by its class's name and
module: no library is imported here that the model did not bring.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from scorecard.forest.forest import LEAF, Forest
from training.families.catboost_family import compiled_catboost
from training.families.random_forest_family import compiled_random_forest
from training.families.trees import CompileError
from training.families.xgboost_family import compiled_xgboost

__all__ = ["CompileError", "compiled"]

COMPILERS: Final[Mapping[str, Callable[[Any, int], Forest]]] = {
    "xgboost": compiled_xgboost,
    "catboost": compiled_catboost,
    "sklearn": compiled_random_forest,
}

MODELS: Final = ("Booster", "XGBClassifier", "CatBoostClassifier", "CatBoost", "RandomForestClassifier")


def compiled(model: Any, columns: int, *, missing_as: float | None = None) -> Forest:
    """The forest that a fitted model stands for; its margins are log-odds, of a random forest probabilities.

    Args:
        model: xgboost.Booster or XGBClassifier, catboost.CatBoostClassifier, sklearn's RandomForestClassifier.
        columns: of a row.
        missing_as: the number that stood for a missing value in training, where the library was given one: missing
            values then go the way of that number.

    Raises:
        CompileError: the model cannot be compiled; says what of it.
    """
    kind = type(model)
    compiler = COMPILERS.get(kind.__module__.partition(".")[0])
    if compiler is None or kind.__name__ not in MODELS:
        problem = f"a {kind.__module__}.{kind.__name__} cannot be compiled; known are {', '.join(MODELS)}"
        raise CompileError(problem)
    forest = compiler(model, columns)
    if missing_as is None:
        return forest
    goes_left = (forest.feature != LEAF) & (np.float32(missing_as) <= forest.threshold)
    return replace(forest, missing_left=goes_left)
