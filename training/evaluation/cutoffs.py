"""The cut-offs of a scorecard: probabilities that are approved, declined, or referred to a person.

By cost they follow from calibrated probabilities alone (Chow, *On optimum recognition error and
reject tradeoff*, 1970; Elkan, *The foundations of cost-sensitive learning*, 2001), so that a new
scorecard does not move them. Where mistakes cost in proportion to a loan's amount, or by Youden or F1,
they are chosen on rows reserved for it, and never on those that judge. Pure.
"""

from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from scorecard.costs import Costs
from scorecard.policy import APPROVE, DECLINE, REFER, Policy, outcomes

Probabilities = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]
Sizes = npt.NDArray[np.float64]
"""Amount of each loan over the mean amount, shape (n,)."""

DECIMALS: Final = 4
"""Of a cut-off: what a credit officer can read; finer ones are noise of the rows."""
AS_GOOD: Final = 0.98
"""Of the greatest F1: a standard error of it on a thousand rows."""


class Rule(StrEnum):
    """How the cut-offs are found."""

    COST = "cost"
    YOUDEN = "youden"
    F1 = "f1"


def policy(
    rule: Rule, probability: Probabilities, defaulted: Labels, costs: Costs, sizes: Sizes | None = None
) -> Policy:
    """The policy of a rule.

    Args:
        probability: calibrated, of the rows kept for cut-offs, shape (n,).
        defaulted: shape (n,).
        sizes: for the rule of cost, if mistakes cost in proportion to them; a review costs the same for each loan.
    """
    if rule is Rule.COST and sizes is not None:
        return _policy_by_amount(probability, costs, sizes)
    if rule is Rule.COST:
        return least_cost(costs)
    centre = best_f1(probability, defaulted) if rule is Rule.F1 else best_youden(probability, defaulted)
    rank = float(np.mean(probability < centre))
    low, high = np.quantile(probability, [max(rank - costs.referred / 2, 0.0), min(rank + costs.referred / 2, 1.0)])
    return Policy(
        approve_below=round(min(float(low), centre), DECIMALS), decline_from=round(max(float(high), centre), DECIMALS)
    )


def least_cost(costs: Costs) -> Policy:
    """The cut-offs of least expected cost where each loan costs the same: they follow from the costs alone."""
    return Policy(
        approve_below=round(costs.review / costs.default, DECIMALS),
        decline_from=round(1.0 - costs.review, DECIMALS),
    )


def _policy_by_amount(probability: Probabilities, costs: Costs, sizes: Sizes) -> Policy:
    """The cut-offs of least expected cost on these rows, of all that approve the safest and decline the riskiest."""
    order = np.argsort(probability, kind="stable")
    stated, size = probability[order], sizes[order]
    approving = np.cumsum(costs.review - stated * costs.default * size)
    declining = np.cumsum((costs.review - (1.0 - stated) * size)[::-1])[::-1]
    approved = int(np.argmax(approving)) + 1 if approving.max(initial=0.0) > 0.0 else 0
    first_declined = int(np.argmax(declining)) if declining.max(initial=0.0) > 0.0 else len(stated)
    ends = np.append(stated, 1.0)
    low, high = float(ends[approved]), float(ends[first_declined])
    if low > high:
        # Nobody is worth a review: who is approved costs as much as who is declined.
        low = high = 1.0 / (1.0 + costs.default)
    return Policy(approve_below=round(low, DECIMALS), decline_from=round(high, DECIMALS))


def cost(
    chosen: Policy, probability: Probabilities, defaulted: Labels, costs: Costs, sizes: Sizes | None = None
) -> float:
    """Cost of the policy per applicant on these rows, in lost good loans, of the mean amount where there are sizes."""
    size = np.ones(len(defaulted)) if sizes is None else sizes
    codes = outcomes(chosen, probability)
    lost = np.sum(size[(codes == APPROVE) & defaulted]) * costs.default + np.sum(size[(codes == DECLINE) & ~defaulted])
    return float((lost + np.sum(codes == REFER) * costs.review) / max(len(codes), 1))


def best_f1(probability: Probabilities, defaulted: Labels) -> float:
    """The cut-off from which calling a default gives the greatest F1: of those all but as good, nearest to half of it.

    Half the greatest F1 is where it lies if probabilities are true (Lipton et al., *Optimal thresholding of
    classifiers to maximize F1 measure*, 2014). On some thousand rows the place of the greatest F1 itself swings
    by .2, since the curve is flat there.
    """
    cut, true, called = _confusion_curve(probability, defaulted)
    f1 = 2.0 * true / (called + defaulted.sum())
    good = cut[f1 >= AS_GOOD * f1.max()]
    return float(good[np.argmin(np.abs(good - f1.max() / 2.0))])


def best_youden(probability: Probabilities, defaulted: Labels) -> float:
    """The cut-off of greatest sensitivity plus specificity on these rows."""
    cut, true, called = _confusion_curve(probability, defaulted)
    defaults = max(int(defaulted.sum()), 1)
    return float(cut[np.argmax(true / defaults - (called - true) / max(len(defaulted) - defaults, 1))])


def _confusion_curve(
    probability: Probabilities, defaulted: Labels
) -> tuple[Probabilities, Probabilities, Probabilities]:
    """For each distinct probability as a cut-off: itself, defaults called and rows called; descending."""
    order = np.argsort(-probability, kind="stable")
    ordered = probability[order]
    last = np.flatnonzero(np.append(np.diff(ordered) != 0, True))
    return ordered[last], np.cumsum(defaulted[order])[last].astype(np.float64), (last + 1).astype(np.float64)
