"""References of a scorecard: the just-approved applicants of its reasons, and its reference population.

Pure. Both come from rows that the forest was not fitted to: on fitted rows a forest is overconfident,
and no new applicant gets such scores.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.applications import Matrix
from schemas.contract.contract import Contract, Kind
from schemas.events.decisions import ContributionSpace
from scorecard.calibration import Calibration
from scorecard.features import FeatureSpace
from scorecard.forest.explainer import Explainer
from scorecard.policy import APPROVE, Policy, outcomes
from scorecard.profile import USUAL_BINS, BinPlan, Population, Profile, bin_counts, profile_of
from scorecard.reasons import ReasonBook
from scorecard.scorecard import raw_probability

JUST_APPROVED: Final = 0.1
"""The share of approved applicants who count as just approved: those nearest to the cut-off."""
LEAST_JUST_APPROVED: Final = 50
"""With fewer, their mean contribution is unreliable; then this many of the nearest are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A scorecard as far as its cut-offs."""

    contract: Contract
    features: FeatureSpace
    space: ContributionSpace
    explainer: Explainer
    calibration: Calibration
    policy: Policy
    auc_offset: float | None = None


class Peers(NamedTuple):
    """The just approved, whom reasons compare with; of each feature, shape (features,)."""

    baseline: npt.NDArray[np.float64]
    """Mean contribution."""
    typical: npt.NDArray[np.float64]
    """Median value; NaN of a category, and where it is always missing."""


def peers(draft: Draft, values: Matrix) -> Peers:
    """The just approved of these applicants."""
    margin, contributions = draft.explainer.explain(draft.features.encode(values))
    probability = draft.calibration.apply(raw_probability(draft.space, margin))
    chosen = marginal_approvals(probability, draft.policy)
    return Peers(contributions[chosen].mean(axis=0), _medians(draft.features, values[chosen]))


def marginal_approvals(probability: npt.NDArray[np.float64], policy: Policy) -> npt.NDArray[np.int64]:
    """Indices of the approved nearest to the cut-off; if none is approved, of the safest."""
    approved = int(np.sum(outcomes(policy, probability) == APPROVE))
    nearest = max(round(JUST_APPROVED * approved), LEAST_JUST_APPROVED)
    safest_first = np.argsort(probability, kind="stable")
    return safest_first[max(approved - nearest, 0) : max(approved, nearest)]


def _medians(features: FeatureSpace, values: Matrix) -> npt.NDArray[np.float64]:
    medians = np.full(len(features.fields), np.nan)
    for place, (field, position) in enumerate(zip(features.fields, features.positions, strict=True)):
        known = values[~np.isnan(values[:, position]), position]
        if field.kind is Kind.NUMBER and len(known):
            medians[place] = np.median(known)
    return medians


def population_profile(
    draft: Draft, values: Matrix, compared: Peers, bins: BinPlan = USUAL_BINS, development: Matrix | None = None
) -> Profile:
    """The profile of these scorable applicants, its bins cut at their own quantiles.

    Args:
        bins: how many quantiles numbers are cut at.
        development: the development sample where the applicants are others; its counts are kept beside theirs.
    """
    margin, contributions = draft.explainer.explain(draft.features.encode(values))
    probability = draft.calibration.apply(raw_probability(draft.space, margin))
    codes = outcomes(draft.policy, probability)
    book = ReasonBook.of(draft.features.fields, *compared)
    given = book.principal_reasons(values[:, draft.features.positions], contributions)
    population = Population(
        values=values,
        probability=probability,
        contributions=contributions,
        # Reasons are given to whom is not approved.
        reasons=np.where((codes == APPROVE)[:, None], -1, given.places),
        outcomes=codes,
    )
    counted = profile_of(draft.contract, draft.features.names, [text.code for text in book.texts], population, bins)
    profile = replace(counted, exact_ratios=bool(draft.features.ratios), auc_offset=draft.auc_offset)
    if development is None:
        return profile
    counts = bin_counts(profile, draft.contract, development)
    return replace(profile, development=tuple(tuple(each.tolist()) for each in counts))
