"""What the search may choose from: Hyperopt's space over three families, and a sound start in each.

Depth is bounded by what exact attribution can afford.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from training.families.family import Choice, Family

DEEPEST_BOOSTED: Final = 6
"""A table of 2^d patterns a leaf: depth 6 explains in tens of microseconds, each level more doubles it."""
SHALLOWEST: Final = 3
"""Some hundred defaults carry no deeper trees."""
DEEPEST_FOREST: Final = 8
"""A random forest has fewer trees, and is nothing when shallow."""

FAMILIES: Final = (Family.XGBOOST, Family.CATBOOST, Family.RANDOM_FOREST)


def space(default_share: float) -> Mapping[str, Any]:
    """Hyperopt's space.

    Args:
        default_share: of the rows searched on, inside (0, 1).
    """
    from hyperopt import hp

    # Full balance ruins probabilities for nothing; its square root is the middle way.
    balance = math.sqrt((1.0 - default_share) / default_share)
    weights = [1.0, round(balance, 3)]
    return {
        "family": hp.choice("family", list(range(len(FAMILIES)))),
        "xgboost": {
            "depth": hp.quniform("xgboost_depth", SHALLOWEST, DEEPEST_BOOSTED, 1),
            "rate": hp.loguniform("xgboost_rate", math.log(0.03), math.log(0.2)),
            "child_weight": hp.loguniform("xgboost_child_weight", 0.0, math.log(20.0)),
            "rows": hp.uniform("xgboost_rows", 0.6, 1.0),
            "columns": hp.uniform("xgboost_columns", 0.5, 1.0),
            "shrinkage": hp.loguniform("xgboost_shrinkage", math.log(0.3), math.log(20.0)),
            "default_weight": hp.choice("xgboost_default_weight", weights),
        },
        "catboost": {
            "depth": hp.quniform("catboost_depth", SHALLOWEST, DEEPEST_BOOSTED, 1),
            "rate": hp.loguniform("catboost_rate", math.log(0.05), math.log(0.25)),
            "shrinkage": hp.loguniform("catboost_shrinkage", 0.0, math.log(20.0)),
            "noise": hp.uniform("catboost_noise", 0.0, 2.0),
            "default_weight": hp.choice("catboost_default_weight", weights),
        },
        "random_forest": {
            "trees": hp.quniform("random_forest_trees", 80, 160, 20),
            "depth": hp.quniform("random_forest_depth", 6, DEEPEST_FOREST, 1),
            "leaf_rows": hp.quniform("random_forest_leaf_rows", 3, 30, 1),
            "columns": hp.uniform("random_forest_columns", 0.3, 0.9),
        },
    }


def starts() -> Sequence[Mapping[str, Any]]:
    """One sound point for each family, in Hyperopt's flat names; the others' values ride along."""
    sound = {
        "xgboost_depth": 6.0,
        "xgboost_rate": 0.08,
        "xgboost_child_weight": 1.0,
        "xgboost_rows": 1.0,
        "xgboost_columns": 0.6,
        "xgboost_shrinkage": 1.0,
        "xgboost_default_weight": 0,
        "catboost_depth": 6.0,
        "catboost_rate": 0.1,
        "catboost_shrinkage": 3.0,
        "catboost_noise": 1.0,
        "catboost_default_weight": 0,
        "random_forest_trees": 120.0,
        "random_forest_depth": 8.0,
        "random_forest_leaf_rows": 5.0,
        "random_forest_columns": 0.5,
    }
    return [{**sound, "family": place} for place in range(len(FAMILIES))]


def choice(point: Mapping[str, Any], most_trees: int) -> Choice:
    """The choice that a point of the space stands for."""
    family = FAMILIES[int(point["family"])]
    given = {"trees": most_trees, **point[family.value]}
    if family is Family.RANDOM_FOREST:
        given["trees"] = min(given["trees"], most_trees)
    return Choice(family, {name: float(value) for name, value in sorted(given.items())})
