"""Principal reasons: the features that put an applicant's risk above that of those just approved.

The method is the first of the two that the comment to Regulation B calls safe (12 CFR 1002,
Supplement I, 9(b)(2), comment 5): furthest from the average of applicants at or slightly above the
passing score. Contribution minus its mean among them, summed by reason code, positive only, at
most four, ties in schema order. The strongest is given in any case: under an operator's own
cut-offs an applicant who is safer than those may be declined, and must still be given a reason. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from schemas.applications import UNSEEN, Matrix
from schemas.contract.fields import Field, Unknown
from schemas.contract.reason_texts import Fact, FactState, ReasonText
from schemas.errors import SetupError

MOST: Final = 4
"""More than four reasons are "not likely to be helpful" (the same comment)."""


class ReasonlessError(SetupError):
    """A feature without a reason text cannot be trained on: a decline by it could not be explained."""


class GivenReasons(NamedTuple):
    """Reasons given to n applicants, as indices into a book's texts."""

    places: npt.NDArray[np.int64]
    """Strongest first, -1 after the last; shape (n, MOST)."""
    reason_of: npt.NDArray[np.int64]
    """The text of each feature; shape (n, features)."""

    @classmethod
    def none(cls, rows: int, features: int) -> Self:
        """Nothing for anybody, to be filled."""
        return cls(np.full((rows, MOST), -1, dtype=np.int64), np.full((rows, features), -1, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class ReasonBook:
    """The reasons of a scorecard's features.

    A feature's reason depends on the applicant: the first of the contract's texts whose fact is true of them, else the
    neutral one. So no applicant is given a text that their own value contradicts.
    """

    fields: tuple[Field, ...]
    texts: tuple[ReasonText, ...]
    """One of each code, by schema order of the first feature of it."""
    baseline: npt.NDArray[np.float64]
    """Mean contribution of each feature among applicants who were just approved."""
    typical: npt.NDArray[np.float64]
    """Their median value of each feature; NaN where there is none: then it is neither low nor high."""

    @classmethod
    def of(
        cls,
        fields: Sequence[Field],
        baseline: npt.NDArray[np.float64],
        typical: npt.NDArray[np.float64] | None = None,
    ) -> Self:
        """The book of these features.

        Raises:
            ReasonlessError: a feature has no reason; names it.
        """
        by_code: dict[str, ReasonText] = {}
        for field in fields:
            if field.reason is None:
                problem = f"feature {field.name} has no reason text in the contract; add one, or give it another role"
                raise ReasonlessError(problem)
            for text in field.texts:
                by_code.setdefault(text.code, text)
        medians = np.full(len(fields), np.nan) if typical is None else typical
        return cls(fields=tuple(fields), texts=tuple(by_code.values()), baseline=baseline, typical=medians)

    def principal_reasons(self, values: Matrix, contributions: npt.NDArray[np.float64]) -> GivenReasons:
        """The principal reasons of each applicant, one at least.

        Args:
            values: of the features, shape (n, features), as in `schemas.applications`.
            contributions: shape (n, features), in the scorecard's own space.
        """
        reason_of = self.reason_of(values)
        return GivenReasons(self._principal(contributions, reason_of), reason_of)

    def reason_of(self, values: Matrix) -> npt.NDArray[np.int64]:
        """Index in `texts` of each feature's text; shape of `values`."""
        places = {text.code: place for place, text in enumerate(self.texts)}
        true: dict[tuple[Fact, ...], npt.NDArray[np.bool_]] = {}
        chosen = np.empty(values.shape, dtype=np.int64)
        for feature, field in enumerate(self.fields):
            chosen[:, feature] = places[field.texts[-1].code]
            for text in reversed(field.reasons):
                if text.when not in true:
                    true[text.when] = self.holds(text.when, values)
                chosen[true[text.when], feature] = places[text.code]
        return chosen

    def holds(self, facts: Sequence[Fact], values: Matrix) -> npt.NDArray[np.bool_]:
        """Of whom all of these facts are true, shape (n,); False where one is of a field that is not scored."""
        held = np.ones(len(values), dtype=np.bool_)
        for fact in facts:
            held &= self._holds(fact, values)
        return held

    def _holds(self, fact: Fact, values: Matrix) -> npt.NDArray[np.bool_]:
        places = [place for place, field in enumerate(self.fields) if field.name == fact.field]
        if not places:
            return np.zeros(len(values), dtype=np.bool_)
        column, typical = values[:, places[0]], self.typical[places[0]]
        if fact.state is FactState.MISSING:
            unknown = self.fields[places[0]].unknown is Unknown.MISSING
            return np.asarray(np.isnan(column) | ((column == UNSEEN) & unknown))
        if fact.state is FactState.LEVEL:
            levels = self.fields[places[0]].levels
            # Of the two or three levels of a fact `np.isin` would sort and join arrays first: a fifth of one decision.
            return np.asarray(np.any([column == float(levels.index(level)) for level in fact.levels], axis=0))
        return np.asarray(column < typical if fact.state is FactState.LOW else column > typical)

    def _principal(
        self, contributions: npt.NDArray[np.float64], reason_of: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        excess = self.excess(contributions)
        summed = np.zeros((len(excess), len(self.texts)))
        rows = np.arange(len(excess))
        for feature in range(excess.shape[1]):
            summed[rows, reason_of[:, feature]] += excess[:, feature]
        # A text that no feature of an applicant has is not their reason, even if all others lowered the risk.
        named = np.zeros(summed.shape, dtype=np.bool_)
        named[rows[:, None], reason_of] = True
        strength = np.where(named, summed, -np.inf)
        strongest = np.argsort(-strength, axis=1, kind="stable")[:, :MOST]
        positive = np.take_along_axis(strength, strongest, axis=1) > 0.0
        positive[:, :1] = True
        found = np.full((len(excess), MOST), -1, dtype=np.int64)
        found[:, : strongest.shape[1]] = np.where(positive, strongest, -1)
        return found

    def excess(self, contributions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """By how much each feature raised the risk above the baseline; shape of `contributions`."""
        return np.asarray(contributions - self.baseline)
