"""What a scorecard compares with: the just-approved applicants of its reasons, and its reference population.

Pure. Both come from rows that the forest was not fitted to: a forest is too sure of those it was,
and its scores of them are nobody's.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.applications import Matrix
from schemas.contract import Contract
from schemas.events.decisions import ContributionSpace
from scorecard.calibration import Calibration
from scorecard.features import FeatureSpace
from scorecard.forest.explainer import Explainer
from scorecard.policy import APPROVE, Policy, outcomes
from scorecard.profile import Population, Profile, profile_of
from scorecard.reasons import ReasonBook
from scorecard.scorecard import raw_probability

JUST_APPROVED: Final = 0.1
"""The share of approved applicants who count as just approved: those nearest to the cut-off."""
LEAST_JUST_APPROVED: Final = 50
"""With fewer their mean contribution says little; then the nearest so many are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A scorecard as far as its cut-offs."""

    contract: Contract
    features: FeatureSpace
    space: ContributionSpace
    explainer: Explainer
    calibration: Calibration
    policy: Policy


def baseline(draft: Draft, values: Matrix) -> npt.NDArray[np.float64]:
    """Mean contribution of each feature among the just approved of these applicants; shape (features,)."""
    margin, contributions = draft.explainer.explain(draft.features.encode(values))
    probability = draft.calibration.apply(raw_probability(draft.space, margin))
    return marginal_approvals(probability, contributions, draft.policy)


def marginal_approvals(
    probability: npt.NDArray[np.float64], contributions: npt.NDArray[np.float64], policy: Policy
) -> npt.NDArray[np.float64]:
    """Mean contributions of the approved nearest to the cut-off; where nobody is approved, of the safest."""
    approved = int(np.sum(outcomes(policy, probability) == APPROVE))
    nearest = max(round(JUST_APPROVED * approved), LEAST_JUST_APPROVED)
    safest_first = np.argsort(probability, kind="stable")
    chosen = safest_first[max(approved - nearest, 0) : max(approved, nearest)]
    mean: npt.NDArray[np.float64] = contributions[chosen].mean(axis=0)
    return mean


def population_profile(draft: Draft, values: Matrix, reason_baseline: npt.NDArray[np.float64]) -> Profile:
    """The profile of these scorable applicants, its bins cut at their own deciles."""
    margin, contributions = draft.explainer.explain(draft.features.encode(values))
    probability = draft.calibration.apply(raw_probability(draft.space, margin))
    codes = outcomes(draft.policy, probability)
    book = ReasonBook.of(draft.features.fields, reason_baseline)
    population = Population(
        values=values,
        probability=probability,
        contributions=contributions,
        # Reasons are given to whom is not approved.
        reasons=np.where((codes == APPROVE)[:, None], -1, book.principal(contributions)),
        outcomes=codes,
    )
    return profile_of(draft.contract, draft.features.names, [text.code for text in book.texts], population)
