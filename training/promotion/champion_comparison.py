"""Champion and challenger on the same judgement rows, or the reason why they cannot be compared.

Pure. The gate holds a challenger without comparison for a person, and never promotes it: a champion that
cannot be read is not an absent champion.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from scorecard.scorecard import Scorecard
from training.rows.labelled_rows import LabelledRows

Probabilities = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]

LEAST_RECENT: Final = 200
"""Judgement rows of the topics with which champion and challenger are compared on those alone."""
LEAST_OF_A_CLASS: Final = 20
"""Defaults and repaid loans, each, below which a difference in AUC has no meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChampionComparison:
    """Both scorecards on the same rows, all of shape (n,)."""

    defaulted: Labels
    challenger: Probabilities
    champion: Probabilities
    champion_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incomparable:
    """A champion that the challenger could not be compared with."""

    champion_digest: str
    why: str
    """In words, the champion's version among them."""


def compare_with_champion(
    champion: Scorecard, rows: LabelledRows, challenger: Probabilities, strange: Labels
) -> ChampionComparison | Incomparable:
    """Both on those of the judgement rows that count.

    Args:
        champion: as read from its bundle.
        rows: the judgement rows.
        challenger: its probabilities of them, shape (n,).
        strange: which of them the champion was not made of, shape (n,).
    """
    free = np.flatnonzero(strange)
    chosen = free[comparison_rows(rows.take(free))]
    met = rows.take(chosen)
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
    probability = champion.score(met.values).probability
    if not np.isfinite(probability).all():
        return Incomparable(champion_digest=champion.digest, why="it gives probabilities that are no numbers")
    return ChampionComparison(
        defaulted=met.defaulted,
        challenger=challenger[chosen],
        champion=probability,
        champion_digest=champion.digest,
    )


def comparison_rows(rows: LabelledRows) -> npt.NDArray[np.int64]:
    """Which judgement rows champion and challenger meet on: those of the topics where they are enough.

    They are the applicants of now, and none was in the champion's table.
    """
    recent = rows.recent
    defaults = int(rows.defaulted[recent].sum())
    repaid = int(recent.sum()) - defaults
    enough = recent.sum() >= LEAST_RECENT and min(defaults, repaid) >= LEAST_OF_A_CLASS
    return np.flatnonzero(recent) if enough else np.arange(len(rows))
