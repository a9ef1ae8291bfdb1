"""The families that a search chooses from: the only list of them.

To add one, write its `*_family.py` and put its `FAMILY` into `FAMILIES`. `training.families.family.Family` says what
a family must provide; one test checks them all.
"""

from typing import Any, Final

from scorecard.forest.forest import Forest
from training.families import catboost_family, lightgbm_family, points_family, random_forest_family, xgboost_family
from training.families.family import Family, FamilyParameters, FittedModel, TrainingSample
from training.families.trees import CompileError

FAMILIES: Final = (
    xgboost_family.FAMILY,
    catboost_family.FAMILY,
    random_forest_family.FAMILY,
    lightgbm_family.FAMILY,
    points_family.FAMILY,
)
USUAL: Final = tuple(family.name for family in FAMILIES if family is not points_family.FAMILY)
"""Those of a search that names none, in the order in which it tries them first. A points scorecard ranks worse than
forests, and is for lenders who want points."""

BY_NAME: Final = {family.name: family for family in FAMILIES}
BY_MODEL: Final = {model: family for family in FAMILIES for model in family.models}


def fit(
    choice: FamilyParameters, train: TrainingSample, stopping: TrainingSample, monotone: tuple[int, ...], seed: int
) -> FittedModel:
    """The model of one choice.

    Args:
        choice: family and parameters.
        stopping: where boosting sees that it has learned enough; others do not look at it.
        monotone: for each column the direction in which risk may move: -1, 0 (free) or 1.
    """
    family = BY_NAME[choice.family]
    learned, held = (TrainingSample(family.prepare(sample.matrix), sample.defaulted) for sample in (train, stopping))
    model, trees = family.fit(choice.parameters, learned, held, monotone, seed)
    return FittedModel(family, choice, model, trees)


def family_of(model: Any) -> Family:
    """The family of a library's model, by its class: no library is imported here that the model did not bring.

    Raises:
        CompileError: none compiles it.
    """
    kind = type(model)
    name = f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
    if name not in BY_MODEL:
        problem = f"a {name} cannot be compiled; known are {', '.join(BY_MODEL)}"
        raise CompileError(problem)
    return BY_MODEL[name]


def compile_model(model: Any, columns: int) -> Forest:
    """The forest of a library's model, see `Family.forest`.

    Raises:
        CompileError: the model cannot be compiled; names the part.
    """
    return family_of(model).forest(model, columns)
