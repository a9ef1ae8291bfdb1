"""What a scorecard says of a file's applicants: scores, reasons and outcomes as arrays, and their counts in bins.

Pure. The worker decides alike; here nothing becomes an event.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from drift.binning.binned_records import MILLIONTHS
from drift.binning.reference import Reference
from drift.performance.loan_figures import Loans, performance
from drift.performance.performance_report import SEED
from drift.windows.window import TopicCount
from schemas.applications import Fault, Matrix, faults
from schemas.contract.contract import Contract
from schemas.events.performance import Performance
from scorecard.decisions.scoring import reason_places
from scorecard.policy import APPROVE, REFER, Policy, outcomes
from scorecard.profile import BinPlan, Population, Profile, profile_of
from scorecard.scorecard import Scorecard

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileScores:
    """The decisions on n rows."""

    probability: Floats
    """NaN where a row cannot be scored."""
    contributions: Floats
    """Shape (n, features)."""
    reasons: npt.NDArray[np.int64]
    """Shape (n, most reasons): places in the reason book, -1 for none; none of approved applicants."""
    outcomes: npt.NDArray[np.int8]
    approve_below: float
    """The cut-off under which the outcomes are."""
    known: Flags
    """True if the file has its outcome."""
    defaulted: Flags

    def performance(self, rows: npt.NDArray[np.int64]) -> Performance:
        """Estimated, and realised where the file has labels."""
        loans = Loans(
            probability=self.probability[rows],
            approved=self.outcomes[rows] == APPROVE,
            known=self.known[rows],
            defaulted=self.defaulted[rows],
        )
        return performance(loans, SEED)

    def count(self, rows: npt.NDArray[np.int64], reference: Reference) -> TopicCount:
        """Some rows, counted as the drift agent counts decisions."""
        layout = reference.decisions
        numbers = np.column_stack([self.probability[rows], self.contributions[rows]])
        right = np.zeros(len(rows), dtype=np.bool_)
        parts = [
            np.bincount(binned.places(numbers[:, place], right), minlength=binned.size)
            for place, binned in enumerate(layout.binned[:-1])
        ]
        given = self.reasons[rows]
        reasons = np.bincount(given[given >= 0], minlength=layout.binned[-1].size)
        decided = np.bincount(self.outcomes[rows], minlength=layout.behind)
        values = np.rint(np.nan_to_num(numbers) * MILLIONTHS).astype(np.int64)
        expected = reference.approvals.sums(np.full(len(rows), self.approve_below))
        sums = np.concatenate([values.sum(axis=0), expected.sum(axis=0)])
        return TopicCount(n=len(rows), counts=np.concatenate([*parts, reasons, decided]), sums=sums)


def file_scores(
    values: Matrix, scorecard: Scorecard, contract: Contract, policy: Policy, labels: Sequence[bool | None] = ()
) -> FileScores:
    """The decisions on some applicants; who cannot be scored is referred.

    Args:
        labels: of each row, True for a default, None where it is not known; empty where none is.
    """
    n, features = len(values), scorecard.features
    values = features.recognize(values)
    scorable = np.flatnonzero(faults(contract, values, with_pricing=features.with_pricing).codes == Fault.NONE)
    scores = scorecard.score(values[scorable])
    decided = outcomes(policy, scores.probability)
    given = reason_places(scorecard, values[scorable], scores.contributions, decided).places
    reasons = np.full((n, given.shape[1]), -1, dtype=np.int64)
    reasons[scorable] = given
    probability, contributions = np.full(n, np.nan), np.full((n, len(features.names)), np.nan)
    probability[scorable], contributions[scorable] = scores.probability, scores.contributions
    codes = np.full(n, REFER, dtype=np.int8)
    codes[scorable] = decided
    flags = labels or [None] * n
    return FileScores(
        probability=probability,
        contributions=contributions,
        reasons=reasons,
        outcomes=codes,
        approve_below=policy.approve_below,
        known=np.array([each is not None for each in flags], dtype=np.bool_),
        defaulted=np.array([bool(each) for each in flags], dtype=np.bool_),
    )


def scored_profile(
    values: Matrix, scores: FileScores, scorecard: Scorecard, contract: Contract, bins: BinPlan
) -> Profile:
    """The profile of a file's scorable applicants."""
    rows = np.flatnonzero(~np.isnan(scores.probability))
    population = Population(
        values=scorecard.features.with_computed_ratios(values[rows]),
        probability=scores.probability[rows],
        contributions=scores.contributions[rows],
        reasons=scores.reasons[rows],
        outcomes=scores.outcomes[rows],
    )
    codes = [text.code for text in scorecard.reasons.texts]
    profile = profile_of(contract, scorecard.features.names, codes, population, bins)
    return replace(profile, exact_ratios=bool(scorecard.features.ratios))
