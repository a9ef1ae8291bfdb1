"""Proof, at training time, that the compiled forest answers as the library does.

Rows are compared as they are served, missing values included: the forest is given NaN, the library what
`Family.prepare` makes of it. Margins, probabilities in the family's space, and contributions against the
family's reference. A scorecard that does not agree is not registered. Pure.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from schemas.errors import SetupError
from scorecard.forest.explainer import Explainer
from scorecard.forest.forest import Forest, margins
from scorecard.scorecard import raw_probability
from training.families.family import Encoded, Family, Numbers

MARGIN_LIMIT: Final = 1e-6
"""Relative: XGBoost's leaves are float32."""

PROBABILITY_LIMIT: Final = 1e-6
"""XGBoost's probabilities are float32; margins taken for another space's miss by tenths."""

ADDITIVITY_LIMIT: Final = 1e-9


class ParityError(SetupError):
    """The compiled forest does not answer as its model does: it must not be registered."""


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest differences found, relative to the largest margin where that is above 1."""

    margin_error: float
    contribution_error: float


def prove_parity(family: Family, model: Any, forest: Forest, explainer: Explainer, matrix: Encoded) -> Parity:
    """How far the forest is from the model, which is not too far.

    Args:
        explainer: of the forest, whatever its columns' features.
        matrix: encoded rows, shape (n, columns), NaN where missing; a few hundred prove as much as all.

    Raises:
        ParityError: margins, probabilities, contributions or their sum differ by more than the limits; says by how
            much.
    """
    prepared = family.prepare(matrix)
    margin = margins(forest, matrix)
    contributions = _by_column(family.explained(forest), matrix)
    library_margin, library_contributions = family.reference(model, prepared)
    scale = max(1.0, float(np.abs(library_margin).max(initial=0.0)))
    parity = Parity(
        margin_error=_gap(margin, library_margin) / scale,
        contribution_error=_gap(contributions[: len(library_contributions)], library_contributions) / scale,
    )
    probability = raw_probability(family.contribution_space, margin)
    _refuse_beyond("margins", parity.margin_error, MARGIN_LIMIT)
    _refuse_beyond("probabilities", _gap(probability, family.probability(model, prepared)), PROBABILITY_LIMIT)
    _refuse_beyond("contributions", parity.contribution_error, family.contribution_limit)
    total, by_feature = explainer.explain(matrix)
    _refuse_beyond("sums", _gap(explainer.base_value + by_feature.sum(axis=1), margin) / scale, ADDITIVITY_LIMIT)
    _refuse_beyond("margins of features", _gap(total, margin) / scale, ADDITIVITY_LIMIT)
    return parity


def _by_column(forest: Forest, matrix: Encoded) -> Numbers:
    columns = Explainer(forest, np.arange(forest.columns, dtype=np.int32), forest.columns)
    return columns.explain(matrix)[1]


def _gap(ours: Numbers, theirs: Numbers) -> float:
    return float(np.abs(ours - theirs).max(initial=0.0))


def _refuse_beyond(what: str, error: float, limit: float) -> None:
    if not error <= limit:
        problem = f"the compiled forest's {what} differ from the library's by {error:.2g}, more than {limit:g}"
        raise ParityError(problem)
