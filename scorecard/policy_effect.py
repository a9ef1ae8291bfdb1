"""Effect of other cut-offs on past decisions: changed outcomes, and their cost.

Pure: decisions and true outcomes in, counts and costs out. `loanctl.reports.decision_log` reads them from the topics,
`ledger.query.past_decisions` from the ledger. The cost of a decision is the one by which cut-offs are chosen
(`training.evaluation.cutoffs`), in lost good loans: by the true outcome if the loan's is known, else its mean under
the calibrated probability.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from schemas.events.decisions import Outcome
from scorecard.costs import Costs, costs_of
from scorecard.policy import OUTCOMES, Policy, outcomes
from scorecard.swap_set import Codes, Floats, OutcomeChange, changes, codes, truth

DECIDED: Final = (Outcome.APPROVE, Outcome.REFER, Outcome.DECLINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDecision:
    """The required parts of a decision."""

    application_id: str
    outcome: Outcome
    probability: float | None
    """None where the application could not be scored: no cut-off changes that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Costs of some decisions before and after, in lost good loans."""

    decisions: int
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    decisions: int
    not_scored: int
    policy: Policy
    before: Mapping[Outcome, int]
    after: Mapping[Outcome, int]
    changes: tuple[OutcomeChange, ...]
    """The most frequent first."""
    by_outcome: Bill
    """Of decisions whose loan's end is known."""
    by_probability: Bill
    """Of the others."""

    @property
    def change_count(self) -> int:
        """Applications that would have another outcome."""
        return sum(change.count for change in self.changes)

    @property
    def total(self) -> Bill:
        known, guessed = self.by_outcome, self.by_probability
        return Bill(
            decisions=known.decisions + guessed.decisions,
            before=known.before + guessed.before,
            after=known.after + guessed.after,
        )

    def plain(self) -> dict[str, Any]:
        return {
            "decisions": self.decisions,
            "not_scored": self.not_scored,
            "policy": {
                "version": self.policy.version,
                "approve_below": self.policy.approve_below,
                "decline_from": self.policy.decline_from,
            },
            "outcomes": {"before": _by_name(self.before), "after": _by_name(self.after)},
            "changed": self.change_count,
            "changes": [change.plain() for change in self.changes],
            "cost": {
                "unit": "lost good loans",
                "by_outcome": _bill_dict(self.by_outcome),
                "by_probability": _bill_dict(self.by_probability),
                "total": _bill_dict(self.total),
            },
        }


def effect(decided: Sequence[PastDecision], policy: Policy, defaulted: Mapping[str, bool], costs: Costs) -> Effect:
    """The effect of a policy on decisions.

    Args:
        decided: one for each application, in the order decided.
        policy: the other cut-offs.
        defaulted: by application id, as far as it is known.
    """
    scored = [one for one in decided if one.probability is not None]
    probability = np.array([one.probability for one in scored], dtype=np.float64)
    ids = [one.application_id for one in scored]
    before, after = codes([one.outcome for one in scored]), outcomes(policy, probability)
    ends = truth(ids, defaulted)
    known = ~np.isnan(ends)
    chance = np.where(known, ends, probability)
    was, would = (costs_of(each, chance, costs) for each in (before, after))
    return Effect(
        decisions=len(decided),
        not_scored=len(decided) - len(scored),
        policy=policy,
        before=_outcome_counts(before),
        after=_outcome_counts(after),
        changes=changes(ids, before, after, ends),
        by_outcome=_bill(was[known], would[known]),
        by_probability=_bill(was[~known], would[~known]),
    )


def _outcome_counts(decided: Codes) -> Mapping[Outcome, int]:
    counts = Counter(decided.tolist())
    return {outcome: counts[OUTCOMES.index(outcome)] for outcome in DECIDED}


def _bill(before: Floats, after: Floats) -> Bill:
    return Bill(decisions=len(before), before=float(before.sum()), after=float(after.sum()))


def _by_name(counts: Mapping[Outcome, int]) -> dict[str, int]:
    return {outcome.value: count for outcome, count in counts.items()}


def _bill_dict(bill: Bill) -> dict[str, Any]:
    return {
        "decisions": bill.decisions,
        "before": bill.before,
        "after": bill.after,
        "difference": bill.after - bill.before,
    }
