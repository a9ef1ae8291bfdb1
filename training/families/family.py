"""A model family: the one record that every other part of training uses.

A family has one file, `*_family.py`, which gives its `FAMILY`; `training.families.family_registry` lists them.
Every fit runs on one thread, so that the same rows, parameters and seed give the same model on any
number of cores; the folds of a search run in parallel instead. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.events.decisions import ContributionSpace
from scorecard.forest.forest import LEAF, Forest

Encoded = npt.NDArray[np.float32]
Labels = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]

PATIENCE: Final = 40
"""Rounds without gain on the stopping rows before boosting ends."""

SHALLOWEST: Final = 3
"""Some hundred defaults carry no deeper trees."""
DEEPEST_BOOSTED: Final = 6
"""A table of 2^d patterns a leaf: depth 6 explains in tens of microseconds, each level more doubles it."""


@dataclass(frozen=True, slots=True)
class FamilyParameters:
    """A family by its name, and its parameters by this project's names: depth, rate, trees, ..."""

    family: str
    parameters: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TrainingSample:
    """Encoded rows, shape (n, columns), and their labels, shape (n,)."""

    matrix: Encoded
    defaulted: Labels

    def take(self, places: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "TrainingSample":
        return TrainingSample(self.matrix[places], self.defaulted[places])


@dataclass(frozen=True, slots=True)
class Dimension:
    """The values that a search tries for one parameter, from `low` to `high`, and the one it begins with."""

    low: float
    high: float
    start: float
    step: float = 0.0
    """Between values; 0 for any number."""
    log: bool = False
    """True: values are spread evenly by their logarithm."""


@dataclass(frozen=True, slots=True)
class DefaultWeight:
    """A parameter that weighs a default: as one row, or by the square root of repaid loans for each default.

    Full balance ruins probabilities for nothing; its square root is the middle way. A search begins with one row.
    """


Fit = Callable[[Mapping[str, float], TrainingSample, TrainingSample, tuple[int, ...], int], tuple[Any, int]]
Reference = Callable[[Any, Encoded], tuple[Numbers, Numbers]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """All that training knows of one kind of model. No field has a default: a new family forgets none."""

    name: str
    """In bundles, decisions, tags and metrics; part of the parameters' names in a search."""
    library: str
    """The distribution that fits: another version of it may fit otherwise."""
    models: tuple[str, ...]
    """Type that `compile` accepts: top-level module and class, as `xgboost.Booster`."""
    fit: Fit
    """Model and number of trees, of parameters, rows to learn from, rows on which boosting stops, the direction in
    which risk may move with each column (-1, 0 for free, or 1) and a seed. Rows come as `prepare` makes them."""
    probability: Callable[[Any, Encoded], Numbers]
    """The library's own probability of default, shape (n,), of prepared rows."""
    compile: Callable[[Any, int], Forest]
    """The model as plain arrays, for rows of so many columns. Raises CompileError where the arrays cannot hold it."""
    reference: Reference
    """The library's own margins of prepared rows, shape (n,), and its contributions by column for the first of them."""
    contribution_limit: float
    """Between the compiled forest's contributions and the reference, relative to the largest margin above 1."""
    explained: Callable[[Forest], Forest]
    """The forest that the library's contributions are of, where they are of another than its margins."""
    contribution_space: ContributionSpace
    """The unit of margins."""
    missing_as: float | None
    """The library's value for a missing number; None if it accepts NaN. Compiled, NaN goes that number's way."""
    space: Mapping[str, Dimension | DefaultWeight]
    """What a search varies, by our names for parameters; `trees` is the search's budget where it is absent."""
    fixed: Mapping[str, object]
    """The library's parameters that no search varies."""

    def prepare(self, matrix: Encoded) -> Encoded:
        """The rows as this family's library takes them."""
        return matrix if self.missing_as is None else np.where(np.isnan(matrix), np.float32(self.missing_as), matrix)

    def forest(self, model: Any, columns: int) -> Forest:
        """The model as plain arrays that answer rows as they are served, missing values as NaN.

        Raises:
            CompileError: the arrays cannot represent it; names the part.
        """
        forest = self.compile(model, columns)
        if self.missing_as is None:
            return forest
        goes_left = (forest.feature != LEAF) & (np.float32(self.missing_as) <= forest.threshold)
        return replace(forest, missing_left=goes_left)


@dataclass(frozen=True, slots=True)
class FittedModel:
    family: Family
    choice: FamilyParameters
    model: Any
    trees: int

    @property
    def cost(self) -> float:
        """Cost of an explanation, in leaves times depth: the forest's upper bound."""
        depth = self.choice.parameters["depth"]
        return float(self.trees * 2.0**depth * depth)

    def probability(self, matrix: Encoded) -> Numbers:
        """The library's own probability of default, before calibration; shape (n,)."""
        return self.family.probability(self.model, self.family.prepare(matrix))

    def forest(self, columns: int) -> Forest:
        """The model as plain arrays, see `Family.forest`."""
        return self.family.forest(self.model, columns)


def itself(forest: Forest) -> Forest:
    """`Family.explained` of a library whose contributions are of the forest that gives the margins."""
    return forest
