"""What an explanation costs: microseconds a row, against the library's own call."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from scorecard.forest.explainer import Explainer
from tests.bench import models
from tests.bench.measurement import Line, Way, comparison
from tests.builders import feature_space

BATCHES: Final = (1, 16, 512)
ROUNDS: Final = 7
Act = Callable[[Any], object]


def lines() -> Iterator[Line]:
    """For each family and size of batch."""
    matrix = models.applicants().matrix
    for name, model, against, library in _families():
        forest = models.forest_of(model)
        space = feature_space()
        explainer = Explainer(forest, space.groups, len(space.names))
        explainer.warm()
        for size in BATCHES:
            rows = np.ascontiguousarray(matrix[:size])
            theirs = models.impute(rows) if against.startswith("shap") else rows
            yield comparison(
                f"attribution, {name}, batch {size}",
                Way("ours", lambda rows=rows, explainer=explainer: explainer.explain(rows), size),
                Way(against, lambda theirs=theirs, library=library: library(theirs), size),
                ROUNDS,
            )


def _families() -> Iterator[tuple[str, Any, str, Act]]:
    booster = models.an_xgboost(6, 300)
    yield "XGBoost depth 6 x 300", booster, "xgboost pred_contribs", lambda rows: pred_contribs(booster, rows)
    booster = models.an_xgboost(4, 200)
    yield "XGBoost depth 4 x 200", booster, "xgboost pred_contribs", lambda rows: pred_contribs(booster, rows)
    symmetric = models.a_catboost(6, 300)
    yield "CatBoost depth 6 x 300", symmetric, "catboost ShapValues", lambda rows: _shap_values(symmetric, rows)
    forest = models.a_random_forest(8, 200)
    yield "RandomForest depth 8 x 200", forest, "shap.TreeExplainer", _tree_explainer(forest)


def pred_contribs(booster: Any, rows: Any) -> object:
    import xgboost

    return booster.predict(xgboost.DMatrix(rows, nthread=1), pred_contribs=True)


def _shap_values(model: Any, rows: Any) -> object:
    import catboost

    return model.get_feature_importance(catboost.Pool(rows), type="ShapValues", thread_count=1)


def _tree_explainer(model: Any) -> Act:
    import shap

    explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
    return lambda rows: explainer.shap_values(rows)
