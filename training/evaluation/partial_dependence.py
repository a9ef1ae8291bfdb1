"""Partial dependence: the mean probability of default if everybody had one value of a feature. Pure.

Friedman, *Greedy function approximation: a gradient boosting machine*, 2001, section 8.2. Ratios of a changed part are
computed again, as for an applicant who would change it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.applications import Matrix, with_ratios
from schemas.contract.contract import Contract
from schemas.contract.fields import Field, Kind
from scorecard.scorecard import Scorecard

ROWS: Final = 400
"""Of whom the mean is taken: its standard error is under .02 by then."""
POINTS: Final = 16
ENDS: Final = (0.02, 0.98)
"""Quantiles between which a number is varied: outside few applicants are."""


@dataclass(frozen=True, slots=True)
class Dependence:
    feature: str
    values: tuple[float, ...]
    """A number's values, or codes of levels."""
    levels: tuple[str, ...]
    """Names of these codes; none for a number."""
    probability: tuple[float, ...]


def dependences(
    scorecard: Scorecard, contract: Contract, values: Matrix, features: Sequence[str]
) -> tuple[Dependence, ...]:
    """The curves of some features.

    Args:
        values: scorable applicants, shape (n, observed); the first `ROWS` are used.
    """
    some = values[:ROWS]
    return tuple(_dependence(scorecard, contract, some, contract.field(name)) for name in features)


def _dependence(scorecard: Scorecard, contract: Contract, values: Matrix, field: Field) -> Dependence:
    column = contract.position[field.name]
    tried = _values(scorecard, field, values[:, column])
    means = []
    for value in tried:
        moved = values.copy()
        moved[:, column] = value
        for place, other in enumerate(contract.observed):
            if field.name in (other.ratio_of or ()):
                moved[:, place] = np.nan
        means.append(float(scorecard.score(with_ratios(contract, moved)).probability.mean()))
    names = [field.levels[int(code)] for code in tried] if field.kind is Kind.CATEGORY else []
    return Dependence(field.name, tuple(tried), tuple(names), tuple(means))


def _values(scorecard: Scorecard, field: Field, found: npt.NDArray[np.float64]) -> list[float]:
    if field.kind is Kind.CATEGORY:
        return [float(field.levels.index(level)) for level in scorecard.features.levels[field.name]]
    known = found[~np.isnan(found)]
    if len(known) == 0:
        return []
    quantiles = np.quantile(known, np.linspace(*ENDS, POINTS))
    return [float(value) for value in np.unique(quantiles)]
