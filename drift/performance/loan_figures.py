"""Discrimination and calibration of a champion: observed where loans have ended, else estimated.

Pure: probabilities and known outcomes of the loans in, figures with 95 % intervals out.

| figure | value | interval |
| --- | --- | --- |
| rates | share | Wilson 1927 |
| AUC | Mann and Whitney's U | DeLong, DeLong and Clarke-Pearson 1988, on the log-odds scale |
| KS | two-sample statistic | bootstrap within each class, reflected (Davison and Hinkley 1997); approximate |
| Brier | mean squared distance | of a mean |
| calibration | Cox 1958: intercept at slope 1, and slope | Wald |

The estimates assume that the calibrated probabilities are right: each loan defaults with its own
probability. Their interval shows where the figure of these very loans would be in that case; it is computed by
simulation. They show the effect of the applicants on a scorecard, and not whether the scorecard is still right:
only outcomes do. Loans that were approved and have ended are not a fair sample of all: compare observed figures
with those that are expected of the same loans.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from drift.performance.cox_calibration import calibration_bins, intercept, slope
from drift.performance.discrimination import DRAWS, Groups, areas, auc, gaps_of, ks
from drift.performance.intervals import Flags, Floats, mean_of, percentile_interval, rate
from schemas.events.performance import EstimatedPerformance, ObservedPerformance, Performance
from schemas.small_groups import is_small
from scorecard.expected_auc import expected_auc

LEAST: Final = 10
"""Of defaults, and of loans repaid: with fewer, no interval here holds what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loans:
    """Decided applications as columns of n rows."""

    probability: Floats
    """Calibrated; NaN where not scored."""
    approved: Flags
    known: Flags
    """Whether its outcome is."""
    defaulted: Flags
    """Means something where known."""
    applied_at: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Milliseconds since 1970; needed for vintages alone."""


def performance(loans: Loans, seed: int) -> Performance:
    """All figures of some loans; none of too few of them.

    Args:
        loans: decided by one champion.
        seed: of the drawing; the same loans and seed give the same figures.
    """
    decided, known = len(loans.probability), int(loans.known.sum())
    scored = ~np.isnan(loans.probability)
    ended = scored & loans.known
    # Each draws its own: what is estimated does not change as outcomes come.
    of_known, of_all, of_ended = (np.random.default_rng([seed, part]) for part in range(3))
    return Performance(
        decided=decided,
        scored=int(scored.sum()),
        with_outcome=known,
        share_with_outcome=known / decided if decided else 0.0,
        approval_rate=None if is_small(decided) else rate(int(loans.approved.sum()), decided),
        observed=observed_performance(loans.probability[ended], loans.defaulted[ended], of_known)
        if not is_small(int(ended.sum()))
        else None,
        estimated=None if is_small(int(scored.sum())) else estimated_performance(loans.probability[scored], of_all),
        expected=None if is_small(int(ended.sum())) else estimated_performance(loans.probability[ended], of_ended),
    )


def observed_performance(probability: Floats, defaulted: Flags, rng: np.random.Generator) -> ObservedPerformance:
    """Figures of loans that have ended; shapes (n,), n at least 1."""
    n, defaults = len(defaulted), int(defaulted.sum())
    enough = min(defaults, n - defaults) >= LEAST
    errors = np.square(probability - defaulted)
    return ObservedPerformance(
        n=n,
        defaults=defaults,
        default_rate=rate(defaults, n),
        stated_default_rate=float(probability.mean()),
        auc=auc(probability, defaulted) if enough else None,
        ks=ks(probability, defaulted, rng) if enough else None,
        brier=mean_of(errors),
        intercept=intercept(probability, defaulted) if enough else None,
        slope=slope(probability, defaulted) if enough else None,
        bins=calibration_bins(probability, defaulted),
    )


def estimated_performance(probability: Floats, rng: np.random.Generator) -> EstimatedPerformance:
    """What calibrated probabilities lead one to expect of the loans that they are of; shape (n,), n at least 1."""
    groups = Groups.by(probability)
    drawn = rng.binomial(groups.size, np.clip(groups.probability, 0.0, 1.0), size=(DRAWS, len(groups.size)))
    repaid, n = groups.size - drawn, len(probability)
    both = (drawn.sum(axis=1) > 0) & (repaid.sum(axis=1) > 0)
    ranked = both.mean() > 1.0 - 1.0 / LEAST
    gaps = gaps_of(drawn[both], repaid[both])
    missed = drawn * (1.0 - 2.0 * groups.probability)
    return EstimatedPerformance(
        n=n,
        default_rate=percentile_interval(float(probability.mean()), drawn.sum(axis=1) / n),
        auc=percentile_interval(expected_auc(probability), areas(drawn[both], repaid[both])) if ranked else None,
        # The greatest of noisy gaps is greater than the gap expected: its mean is had by drawing, too.
        ks=percentile_interval(float(gaps.mean()), gaps) if ranked else None,
        brier=percentile_interval(
            float(np.mean(probability * (1.0 - probability))), (np.square(probability).sum() + missed.sum(axis=1)) / n
        ),
    )
