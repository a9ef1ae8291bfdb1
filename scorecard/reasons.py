"""Principal reasons: what put an applicant above those who were just approved.

The method is the first of the two that the comment to Regulation B calls safe (12 CFR 1002,
Supplement I, 9(b)(2), comment 5): furthest from the average of applicants at or slightly above the
passing score. Contribution minus its mean among them, summed by reason code, positive only, at
most four, ties in schema order. The strongest is given in any case: under cut-offs of the operator's
own one may be declined who is safer than those, and is owed a reason all the same. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from schemas.contract import Field, ReasonText
from schemas.errors import SetupError

MOST: Final = 4
"""More than four reasons are "not likely to be helpful" (the same comment)."""


class ReasonlessError(SetupError):
    """A feature without a reason text cannot be trained on: a decline by it could not be explained."""


@dataclass(frozen=True, slots=True)
class ReasonBook:
    """The reasons that a scorecard's features stand for."""

    texts: tuple[ReasonText, ...]
    """By schema order of the first feature of each code."""
    code_of: npt.NDArray[np.int64]
    """For each feature the place of its reason in `texts`."""
    baseline: npt.NDArray[np.float64]
    """Mean contribution of each feature among applicants who were just approved."""

    @classmethod
    def of(cls, fields: Sequence[Field], baseline: npt.NDArray[np.float64]) -> Self:
        """The book of these features.

        Raises:
            ReasonlessError: a feature has no reason; names it.
        """
        by_code: dict[str, ReasonText] = {}
        for field in fields:
            if field.reason is None:
                problem = f"feature {field.name} has no reason text in the contract; add one, or give it another role"
                raise ReasonlessError(problem)
            by_code.setdefault(field.reason.code, field.reason)
        places = {code: place for place, code in enumerate(by_code)}
        code_of = np.array([places[field.reason.code] for field in fields if field.reason], dtype=np.int64)
        return cls(texts=tuple(by_code.values()), code_of=code_of, baseline=baseline)

    def principal(self, contributions: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Places in `texts` of each row's reasons, strongest first, one at least, -1 after the last; shape (n, MOST).

        Args:
            contributions: shape (n, features), in the scorecard's own space.
        """
        excess = self.excess(contributions)
        summed = np.zeros((len(excess), len(self.texts)))
        for feature, code in enumerate(self.code_of):
            summed[:, code] += excess[:, feature]
        strongest = np.argsort(-summed, axis=1, kind="stable")[:, :MOST]
        positive = np.take_along_axis(summed, strongest, axis=1) > 0.0
        positive[:, :1] = True
        found = np.full((len(excess), MOST), -1, dtype=np.int64)
        found[:, : strongest.shape[1]] = np.where(positive, strongest, -1)
        return found

    def excess(self, contributions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """By how much each feature raised the risk above the baseline; shape of `contributions`."""
        return np.asarray(contributions - self.baseline)
