"""Admission: which decision let each labelled application in. Pure.

The scorecard's first decision on an application counts, and over it the latest review of a person: the last word.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.codec.projection import millis
from schemas.events.decisions import Outcome
from training.rows import identity
from training.rows.identity import Identities

Admissions = npt.NDArray[np.int8]

DECIDED: Final = ("application_id", "outcome")
REVIEWED: Final = ("application_id", "outcome", "reviewed_at")


class Admission(IntEnum):
    """How an application came to have a loan."""

    UNKNOWN = 0
    """A row of a table, or an application without a decision on the topics."""
    APPROVED = 1
    """By the scorecard."""
    BY_PERSON = 2
    """By a reviewer, whatever the scorecard said."""
    REFUSED = 3
    """By neither, and it has an outcome nevertheless: an exploration, or a source that knows all loans."""


@dataclass(slots=True)
class AdmissionJoin:
    """Collects decisions and reviews of the applications whose outcome is known."""

    wanted: Identities
    """Sorted, each once."""
    _approved: dict[int, bool] = field(default_factory=dict)
    _reviews: dict[int, tuple[int, bool]] = field(default_factory=dict)

    def decide(self, decisions: Iterable[Mapping[str, Any]]) -> None:
        """Fold in decisions, `DECIDED` of each, in the order they came."""
        for who, decision in self._matches(decisions):
            self._approved.setdefault(who, decision["outcome"] == Outcome.APPROVE)

    def review(self, reviews: Iterable[Mapping[str, Any]]) -> None:
        """Fold in reviews, `REVIEWED` of each; one that sends the case on to another person decides nothing."""
        for who, review in self._matches(reviews):
            if review["outcome"] not in (Outcome.APPROVE, Outcome.DECLINE):
                continue
            at = millis(review["reviewed_at"])
            if who not in self._reviews or at >= self._reviews[who][0]:
                self._reviews[who] = at, review["outcome"] == Outcome.APPROVE

    def of(self, who: Identities) -> Admissions:
        """The admission of each of these applications, shape of `who`."""
        return np.array([self._admission(int(each)) for each in who], dtype=np.int8)

    def _admission(self, who: int) -> Admission:
        if who in self._reviews:
            return Admission.BY_PERSON if self._reviews[who][1] else Admission.REFUSED
        if who not in self._approved:
            return Admission.UNKNOWN
        return Admission.APPROVED if self._approved[who] else Admission.REFUSED

    def _matches(self, events: Iterable[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
        listed = list(events)
        names = identity.of_ids([each["application_id"] for each in listed])
        return [
            (int(who), event) for who, event, one in zip(names, listed, np.isin(names, self.wanted), strict=True) if one
        ]


def counts(admissions: Admissions) -> Mapping[str, int]:
    """Rows by admission, its name in lower case; those that occur."""
    counted = Counter(Admission(int(each)).name.lower() for each in admissions)
    return dict(sorted(counted.items()))
