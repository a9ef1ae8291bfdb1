"""Champion and challenger on the same judgement rows, or the reason why they cannot be compared.

Pure. The gate holds a challenger without comparison for a person, and never promotes it: a champion that
cannot be read is not an absent champion.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from scorecard.costs import Costs, costs_of, sizes_of
from scorecard.policy import APPROVE, Policy, outcomes
from scorecard.scorecard import Scorecard
from training.promotion.selection import selected_rows
from training.rows.admission import counts
from training.rows.labelled_rows import LabelledRows

Probabilities = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]

LEAST_RECENT: Final = 200
"""Judgement rows of the topics with which champion and challenger are compared on those alone."""
LEAST_OF_A_CLASS: Final = 20
"""Defaults and repaid loans, each, below which a difference in AUC has no meaning."""


def _nothing() -> Probabilities:
    return np.empty(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChampionComparison:
    """Both scorecards on the same rows, all of shape (n,)."""

    defaulted: Labels
    challenger: Probabilities
    champion: Probabilities
    champion_digest: str
    challenger_cost: Probabilities = field(default_factory=_nothing)
    """Of its decision on each row by its own cut-offs, in lost good loans; zero where there are no cut-offs."""
    champion_cost: Probabilities = field(default_factory=_nothing)
    weight: Probabilities = field(default_factory=_nothing)
    """How many applicants a row stands for; one each where nothing is given."""
    groups: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Rows of one number are drawn together; each row apart where nothing is given."""
    superior_by: tuple[str, str] = ("cost", "auc")
    """Figures of which one must be better."""
    looks: int = 1
    """How many comparisons with this champion there were within a year, this one among them."""
    notes: tuple[str, ...] = ()
    """Which rows were taken and which not, in words."""

    def __post_init__(self) -> None:
        """Fill in what was not given."""
        n = len(self.defaulted)
        usual = {
            "challenger_cost": np.zeros(n),
            "champion_cost": np.zeros(n),
            "weight": np.ones(n),
            "groups": np.arange(n),
        }
        for name, value in usual.items():
            if not len(getattr(self, name)):
                object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incomparable:
    """A champion that the challenger could not be compared with."""

    champion_digest: str
    why: str
    """In words, the champion's version among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRules:
    costs: Costs = field(default_factory=Costs)
    amount: int | None = None
    """Column of the rows' values in proportion to which mistakes cost; None for the same cost of each loan."""
    exploration_share: float = 0.0
    """Of refused applicants that got a loan at random; 0 for none, 1 where all outcomes are known."""
    policy: Policy | None = None
    """The operator's cut-offs in force, for both; None for each scorecard's own."""


@dataclass(frozen=True, slots=True)
class ChallengerAnswers:
    """The challenger's probabilities of the judgement rows, shape (n,), and the cut-offs that it decides by."""

    probability: Probabilities
    policy: Policy
    groups: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Near-clones have one number, shape (n,); each row apart where nothing is given."""


def compare_with_champion(
    champion: Scorecard, rows: LabelledRows, challenger: ChallengerAnswers, strange: Labels, rules: ComparisonRules
) -> ChampionComparison | Incomparable:
    """Both on those of the judgement rows that count. None does that the champion would refer for an unknown level.

    Args:
        rows: the judgement rows.
        challenger: its answers to them.
        strange: which of them the champion was not made of, shape (n,).
        rules: costs, and whose outcomes are known.
    """
    free = np.flatnonzero(strange & ~champion.features.refers(rows.values))
    known, ours = rows.take(free), challenger.probability[free]
    theirs = champion.score(known.values).probability
    former, newer = rules.policy or champion.policy, rules.policy or challenger.policy
    both = (outcomes(former, theirs) == APPROVE) & (outcomes(newer, ours) == APPROVE)
    selected = selected_rows(known, both, rules.exploration_share)
    chosen = comparison_rows(known.take(selected.places))
    places, weight = selected.places[chosen], selected.weight[chosen]
    met, ours, theirs = known.take(places), ours[places], theirs[places]
    defaults = int(met.defaulted.sum())
    repaid = len(met) - defaults
    if min(defaults, repaid) < LEAST_OF_A_CLASS:
        made_of = int((~strange).sum())
        beside = f" beside {made_of} rows that the champion was made of" if made_of else ""
        why = (
            f"there are {defaults} defaults and {repaid} repaid to compare on{beside},"
            f" {LEAST_OF_A_CLASS} of each are needed"
        )
        return Incomparable(champion_digest=champion.digest, why=why)
    if not np.isfinite(theirs).all():
        return Incomparable(champion_digest=champion.digest, why="it gives probabilities that are no numbers")
    truth = met.defaulted.astype(np.float64)
    sizes = None if rules.amount is None else sizes_of(met.values[:, rules.amount])
    alike = selected.both_approve and bool(met.recent.any())
    return ChampionComparison(
        defaulted=met.defaulted,
        challenger=ours,
        champion=theirs,
        champion_digest=champion.digest,
        challenger_cost=costs_of(outcomes(newer, ours), truth, rules.costs, sizes),
        champion_cost=costs_of(outcomes(former, theirs), truth, rules.costs, sizes),
        weight=weight,
        groups=challenger.groups[free][places] if len(challenger.groups) else challenger.groups,
        superior_by=("log_loss", "auc") if alike else ("cost", "auc"),
        notes=_notes(met, known, alike=alike),
    )


def _notes(met: LabelledRows, known: LabelledRows, *, alike: bool) -> tuple[str, ...]:
    if not alike:
        return ()
    admitted = ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in counts(met.admission).items())
    return (f"those where both would approve of {len(known)} ({admitted})",)


def comparison_rows(rows: LabelledRows) -> npt.NDArray[np.int64]:
    """Which judgement rows champion and challenger meet on: those of the topics where they are enough.

    They are the applicants of now, and none was in the champion's table.
    """
    recent = rows.recent
    defaults = int(rows.defaulted[recent].sum())
    repaid = int(recent.sum()) - defaults
    enough = recent.sum() >= LEAST_RECENT and min(defaults, repaid) >= LEAST_OF_A_CLASS
    return np.flatnonzero(recent) if enough else np.arange(len(rows))
