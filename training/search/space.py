"""The search space: Hyperopt's space over the families, and sound defaults for each."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from training.families.family import DefaultWeight, Dimension, Family, FamilyParameters


def space(families: Sequence[Family], default_share: float) -> Mapping[str, Any]:
    """Hyperopt's space.

    Args:
        default_share: of the rows searched on, inside (0, 1).
    """
    from hyperopt import hp

    balance = round(math.sqrt((1.0 - default_share) / default_share), 3)
    names = hp.choice("family", [family.name for family in families])
    varied = {
        family.name: {name: _expression(_label(family.name, name), one, balance) for name, one in family.space.items()}
        for family in families
    }
    return {"family": names, **varied}


def starts(families: Sequence[Family]) -> Sequence[Mapping[str, Any]]:
    """One sound point for each family, in Hyperopt's flat names; the others' values ride along."""
    sound = {_label(family.name, name): _start(one) for family in families for name, one in family.space.items()}
    return [{**sound, "family": place} for place in range(len(families))]


def choice(point: Mapping[str, Any], most_trees: int) -> FamilyParameters:
    family = point["family"]
    parameters = {"trees": most_trees, **point[family]}
    parameters["trees"] = min(parameters["trees"], most_trees)
    return FamilyParameters(family, {name: float(value) for name, value in sorted(parameters.items())})


def _label(family: str, parameter: str) -> str:
    return f"{family}_{parameter}"


def _start(dimension: Dimension | DefaultWeight) -> float:
    return dimension.start if isinstance(dimension, Dimension) else 0


def _expression(label: str, dimension: Dimension | DefaultWeight, balance: float) -> Any:
    from hyperopt import hp

    if isinstance(dimension, DefaultWeight):
        return hp.choice(label, [1.0, balance])
    if dimension.step:
        return hp.quniform(label, dimension.low, dimension.high, dimension.step)
    if dimension.log:
        return hp.loguniform(label, math.log(dimension.low), math.log(dimension.high))
    return hp.uniform(label, dimension.low, dimension.high)
