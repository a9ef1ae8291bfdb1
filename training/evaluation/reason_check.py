"""Whether reasons are true: how many of the applicants who are given one have the fact that its text states.

A stated direction ("income insufficient") is true of an applicant whose value is on that side of the just approved,
and whose risk does not rise when it is moved to theirs, with ratios recomputed: where a higher income would raise the
risk, "insufficient" is false, whatever the income. A neutral text states nothing and is not counted. Pure.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.applications import Matrix, with_ratios
from schemas.contract.contract import Contract
from schemas.contract.reason_texts import RISKY, Fact
from scorecard.decisions.scoring import reason_places
from scorecard.policy import Policy, outcomes
from scorecard.reasons import GivenReasons
from scorecard.scorecard import Scorecard

NEARLY_ALL: Final = 0.9
"""Share of the applicants given a text for whom it must be true."""
SURELY: Final = 1.645
"""Standard errors: a code is false where even the upper end of the 90 % interval of its share is under `NEARLY_ALL`."""
ROUNDING: Final = 1e-9

Mask = npt.NDArray[np.bool_]
Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """Of one code that states a fact: applicants who are given it, and those of whom the fact is true."""

    code: str
    told: int
    true: int

    @property
    def holds(self) -> bool:
        """Whether it may be true of nearly all: not so where its share is surely under that (Wilson 1927)."""
        if self.told == 0:
            return True
        share, square = self.true / self.told, SURELY**2 / self.told
        spread = SURELY * math.sqrt((share * (1.0 - share) + square / 4.0) / self.told)
        return (share + square / 2.0 + spread) / (1.0 + square) >= NEARLY_ALL


def counts(scorecard: Scorecard, contract: Contract, values: Matrix, policy: Policy) -> tuple[ReasonCount, ...]:
    """Of each code that states a fact, in the order of the contract.

    Args:
        values: scorable applicants that the forest was not fitted to, shape (n, observed).
    """
    scores = scorecard.score(values)
    given = reason_places(scorecard, values, scores.contributions, outcomes(policy, scores.probability))
    raised = scorecard.reasons.excess(scores.contributions) > 0.0
    return tuple(
        _count(scorecard, contract, values, scores.probability, _ToldReason(given, raised, place, text.code))
        for place, text in enumerate(scorecard.reasons.texts)
        if any(when for _, when in _statements(scorecard, text.code))
    )


def doubts(checked: Sequence[ReasonCount]) -> tuple[str, ...]:
    """The codes that are not true of nearly all who are given them, in words."""
    return tuple(
        f"reason {one.code} states a fact that {one.told - one.true} of the {one.told} applicants told it do not have"
        for one in checked
        if not one.holds
    )


def _statements(scorecard: Scorecard, code: str) -> Iterator[tuple[int, tuple[Fact, ...]]]:
    """Features that can stand for a code, and the facts that it then states."""
    for feature, field in enumerate(scorecard.reasons.fields):
        for text in field.texts:
            if text.code == code:
                yield feature, text.when


@dataclass(frozen=True, slots=True)
class _ToldReason:
    """One reason as it was given to n applicants."""

    given: GivenReasons
    raised: Mask
    """Of each feature whether it raised the risk; shape (n, features)."""
    place: int
    code: str

    @property
    def recipients(self) -> Mask:
        return np.asarray((self.given.places == self.place).any(axis=1))

    def by(self, feature: int) -> Mask:
        """Applicants who are given it because of a feature; because of all its features if none raised the risk."""
        behind = self.given.reason_of == self.place
        none_raised = ~(self.raised & behind).any(axis=1)
        return np.asarray(self.recipients & behind[:, feature] & (self.raised[:, feature] | none_raised))


def _count(
    scorecard: Scorecard, contract: Contract, values: Matrix, probability: Probabilities, reason: _ToldReason
) -> ReasonCount:
    true = np.zeros(len(values), dtype=np.bool_)
    for feature, when in _statements(scorecard, reason.code):
        who = np.flatnonzero(reason.by(feature))
        true[who] |= _true(scorecard, contract, when, values[who], probability[who])
    return ReasonCount(reason.code, int(reason.recipients.sum()), int(true.sum()))


def _true(
    scorecard: Scorecard, contract: Contract, when: Sequence[Fact], values: Matrix, probability: Probabilities
) -> Mask:
    held = scorecard.reasons.holds(when, values[:, scorecard.features.positions])
    if not len(values) or not any(fact.state in RISKY for fact in when):
        return held
    moved = scorecard.score(_as_typical(scorecard, contract, when, values)).probability
    return np.asarray(held & (moved <= probability + ROUNDING))


def _as_typical(scorecard: Scorecard, contract: Contract, when: Sequence[Fact], values: Matrix) -> Matrix:
    """The applicants with what is called low or high as it is among the just approved."""
    names = scorecard.features.names
    moved = values.copy()
    changed = {fact.field for fact in when if fact.state in RISKY}
    for name in changed:
        moved[:, contract.position[name]] = scorecard.reasons.typical[names.index(name)]
    for field in contract.observed:
        if field.ratio_of and changed & set(field.ratio_of):
            moved[:, contract.position[field.name]] = np.nan
    return with_ratios(contract, moved)
