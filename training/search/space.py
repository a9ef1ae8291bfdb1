"""What a search may choose from: Hyperopt's space over the families, and a sound start in each."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from training.families.family import Choice, DefaultWeight, Dimension
from training.families.registry import FAMILIES


def space(default_share: float) -> Mapping[str, Any]:
    """Hyperopt's space.

    Args:
        default_share: of the rows searched on, inside (0, 1).
    """
    from hyperopt import hp

    balance = round(math.sqrt((1.0 - default_share) / default_share), 3)
    places = hp.choice("family", list(range(len(FAMILIES))))
    varied = {
        family.name: {name: _expression(_label(family.name, name), one, balance) for name, one in family.space.items()}
        for family in FAMILIES
    }
    return {"family": places, **varied}


def starts() -> Sequence[Mapping[str, Any]]:
    """One sound point for each family, in Hyperopt's flat names; the others' values ride along."""
    sound = {_label(family.name, name): _start(one) for family in FAMILIES for name, one in family.space.items()}
    return [{**sound, "family": place} for place in range(len(FAMILIES))]


def choice(point: Mapping[str, Any], most_trees: int) -> Choice:
    """The choice that a point of the space stands for."""
    family = FAMILIES[int(point["family"])]
    parameters = {"trees": most_trees, **point[family.name]}
    parameters["trees"] = min(parameters["trees"], most_trees)
    return Choice(family.name, {name: float(value) for name, value in sorted(parameters.items())})


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
