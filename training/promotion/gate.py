"""The gate: whether this challenger may decide, and if not, why not.

Floors apply to every challenger; the first champion must also be no worse than a logistic regression.
Against a champion, both score the same rows, which neither was fitted to, and the challenger must win the contest
(`challenger_verdict`): decide at less cost or rank better, and be no worse than its margins in all else.
If it cannot be compared with the champion, or the rows cannot show that it is no worse, it is held for a person.
Every answer is in words that a person can act on. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from training.evaluation.discrimination_figures import auc
from training.promotion.challenger_verdict import LEVEL, challenger_verdict
from training.promotion.champion_comparison import ChampionComparison, Incomparable, Labels, Probabilities
from training.promotion.margins import Margins
from training.promotion.paired_bootstrap import paired_auc


class Promotion(StrEnum):
    """Who promotes."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class GateVerdict(StrEnum):
    PROMOTE = "promote"
    HOLD = "hold"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Minimum figures of every champion on the judgement rows, and who promotes it.

    Floors are held against the lower end of a figure's 95 % interval: of many models of noise some are lucky.
    """

    floor_auc: float = 0.6
    floor_f1: float = 0.10
    """The F1 of calling every loan a default if one in twenty defaults; a lender can require more."""
    margins: Margins = field(default_factory=Margins)
    """By how much it may be worse than the champion."""
    min_adverse_impact_ratio: float = 0.8
    """A watched group whose approval rate is surely less of the most approved group's holds it; 0 for none."""
    promotion: Promotion = Promotion.AUTOMATIC
    """MANUAL holds what passes until a person promotes it."""
    approvals: int = 1
    """2 holds it until one person has proposed it and another approved."""
    seed: int = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Input of the gate; arrays of the judgement rows, shape (n,)."""

    digest: str
    figures: Mapping[str, float]
    lowest: Mapping[str, float]
    """The lower ends of their 95 % intervals."""
    defaulted: Labels
    probability: Probabilities
    logistic: Probabilities
    """A logistic regression's probabilities of them."""
    faults: Sequence[str] = ()
    """Findings of the parity and reason checks, in words."""
    doubts: Sequence[str] = ()
    """Findings that a person must check before it decides, in words."""
    remarks: Sequence[str] = ()
    """What the record of the verdict says besides, in words."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """The verdict and all that led to it, the weightiest first."""

    verdict: GateVerdict
    why: str


def gate(candidate: Candidate, terms: Terms, comparison: ChampionComparison | Incomparable | None = None) -> GateResult:
    """May the candidate be champion.

    Args:
        comparison: against the champion, or why there can be none; None where there is no champion.
    """
    if comparison is not None and candidate.digest == comparison.champion_digest:
        return GateResult(GateVerdict.REJECT, "it is the champion itself: the same digest")
    failed = [*candidate.faults, *_below(candidate, terms)]
    doubts, won = [*candidate.doubts], ["passes the floors", *candidate.remarks]
    behind = _behind_a_line(candidate, terms.seed)
    if comparison is None:
        failed += behind
        won.append("there is no champion to beat")
    elif isinstance(comparison, Incomparable):
        won += [f"it cannot be compared with the champion: {comparison.why}", *behind]
    else:
        # A challenger that beats the champion passes with this reported: keeping the worse champion would not help.
        result = challenger_verdict(comparison, terms.margins, terms.seed)
        failed += result.lost
        doubts += result.open
        won += [*result.won, *behind]
    if failed:
        return GateResult(GateVerdict.REJECT, "; ".join(failed))
    told = "; ".join([*doubts, *won])
    by_person = terms.promotion is Promotion.MANUAL or terms.approvals > 1
    if doubts or by_person or isinstance(comparison, Incomparable):
        command = "promote" if terms.approvals == 1 else "propose"
        return GateResult(GateVerdict.HOLD, f"{told}; waits for `loanctl champion {command}`")
    return GateResult(GateVerdict.PROMOTE, told)


def _below(candidate: Candidate, terms: Terms) -> list[str]:
    figures, lowest = candidate.figures, candidate.lowest
    return [
        f"{name} {figures[key]:.4f} may be {lowest[key]:.4f}, below the floor {floor:.4f}"
        for name, key, floor in (("AUC", "auc", terms.floor_auc), ("F1", "f1", terms.floor_f1))
        # Not the other way round: a figure that is no number is below every floor.
        if not lowest[key] >= floor
    ]


def _behind_a_line(candidate: Candidate, seed: int) -> list[str]:
    """To be as good as a logistic regression is no fault, since a world may be as simple as a line; to be worse is."""
    against = ChampionComparison(
        defaulted=candidate.defaulted,
        challenger=candidate.probability,
        champion=candidate.logistic,
        champion_digest="",
    )
    losses = paired_auc(against, seed).drawn
    if float(np.quantile(losses, LEVEL)) <= 0.0:
        return []
    return [f"a logistic regression is better: its AUC is {auc(candidate.defaulted, candidate.logistic):.4f}"]
