"""Share of the reference population that is approved under the cut-offs in force, as integer sums over decisions.

Each decision names its cut-off, so a window in which an operator changes it is expected right, too. Where the cut-off
is not the scorecard's own, the share is between that of the score's nearest quantiles in the profile. Pure.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from drift.binning.binned_records import MILLIONTHS, Integers
from schemas.events.decisions import Outcome
from scorecard.policy import OUTCOMES
from scorecard.profile import Profile

EXPECTED_SUMS: Final = 3
"""Decisions, and the least and the largest share approved of each: behind the sums of score and contributions."""
APPROVED: Final = OUTCOMES.index(Outcome.APPROVE)


@dataclass(frozen=True, slots=True)
class ApprovalExpectation:
    """Shares of one profile's people that a cut-off approves."""

    profile: Profile
    own: float = math.nan
    """`approve_below` of the scorecard, under which the profile's outcomes are; NaN where it is not known."""

    def sums(self, approve_below: npt.NDArray[np.float64]) -> Integers:
        """Shape (n, `EXPECTED_SUMS`), of decisions under these cut-offs; shares in millionths."""
        cutoffs, rows = np.unique(approve_below, return_inverse=True)
        shares = np.array([self.shares(cutoff) for cutoff in cutoffs.tolist()]).reshape(len(cutoffs), 2)
        sums = np.column_stack([np.ones(len(cutoffs)), shares * MILLIONTHS])
        return np.asarray(np.rint(sums).astype(np.int64)[rows])

    def shares(self, approve_below: float) -> tuple[float, float]:
        """The least and the largest share of the population that this cut-off approves; equal where it is known."""
        outcomes = self.profile.outcomes
        if not sum(outcomes):
            return 0.0, 1.0
        # A profile with quantiles may have outcomes of an operator's cut-offs, whichever the scorecard's own are.
        if math.isnan(self.own) or (approve_below == self.own and not self.profile.score_quantiles):
            known = outcomes[APPROVED] / sum(outcomes)
            return known, known
        return _bracket(self.profile, approve_below)


def expected_approvals(sums: Integers, numbers: int) -> tuple[float, float] | None:
    """The least and the largest approval rate expected of a window; None where its counts do not say.

    Args:
        sums: of the window's decisions.
        numbers: of them are of score and contributions.
    """
    counted, *shares = sums[numbers:].tolist() or (0,)
    if not counted:
        return None
    low, high = (share / counted / MILLIONTHS for share in shares)
    return low, high


def _bracket(profile: Profile, cutoff: float) -> tuple[float, float]:
    """Shares of the population whose score is surely under the cut-off, and possibly."""
    people = sum(profile.outcomes)
    if profile.score_quantiles:
        edges = profile.score_quantiles
        ranks = np.arange(len(edges)) * (people - 1) // (len(edges) - 1)
        surely, possibly = [0, *(ranks + 1)], [*ranks, people]
    else:
        edges = profile.score.edges
        through = np.cumsum(profile.score.counts[: len(edges) + 1])
        surely, possibly = [0, *through[:-1]], [*through]
    place = int(np.searchsorted(edges, cutoff, side="left"))
    return surely[place] / people, possibly[place] / people
