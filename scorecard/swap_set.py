"""Applications that two sets of decisions answer differently, by pairs of outcomes. Pure.

Ids are reported, and never an applicant's data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.events.decisions import Outcome
from scorecard.policy import OUTCOMES

Codes = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]

NAMED: Final = 3
"""Applications named of each kind of change: to look them up, not to judge by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeChange:
    """Applications that go from one outcome to another."""

    before: Outcome
    after: Outcome
    count: int
    known: int
    """Of them, those whose loan's end is known."""
    defaulted: int
    """Of the known."""
    examples: tuple[str, ...]
    """Application ids, the earliest decided."""

    def plain(self) -> dict[str, Any]:
        return {
            "from": self.before.value,
            "to": self.after.value,
            "count": self.count,
            "outcome_known": self.known,
            "defaulted": self.defaulted,
            "examples": list(self.examples),
        }


def codes(outcomes: Sequence[Outcome]) -> Codes:
    """Outcomes by their code, see `scorecard.policy.OUTCOMES`."""
    return np.array([OUTCOMES.index(outcome) for outcome in outcomes], dtype=np.int8)


def truth(ids: Sequence[str], defaulted: Mapping[str, bool]) -> Floats:
    """1 for a default, 0 for a loan repaid, NaN where it is not known; shape (n,)."""
    return np.array([float(defaulted[name]) if name in defaulted else np.nan for name in ids], dtype=np.float64)


def changes(ids: Sequence[str], before: Codes, after: Codes, ends: Floats) -> tuple[OutcomeChange, ...]:
    """Changed applications, the most frequent pair of outcomes first.

    Args:
        ids: in the order decided, length n.
        before: codes of outcomes, shape (n,).
        after: the same of the others.
        ends: see `truth`.
    """
    places: dict[tuple[int, int], list[int]] = {}
    for place in np.flatnonzero(before != after).tolist():
        places.setdefault((int(before[place]), int(after[place])), []).append(place)
    found = [
        OutcomeChange(
            before=OUTCOMES[old],
            after=OUTCOMES[new],
            count=len(those),
            known=int(np.sum(~np.isnan(ends[those]))),
            defaulted=int(np.nansum(ends[those])),
            examples=tuple(ids[place] for place in those[:NAMED]),
        )
        for (old, new), those in sorted(places.items())
    ]
    return tuple(sorted(found, key=lambda change: -change.count))
