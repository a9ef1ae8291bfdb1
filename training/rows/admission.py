"""Admission: which decision let each labelled application in. Pure.

The scorecard's first decision on an application counts, and over it the latest review of a person: the last word.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.codec.projection import millis
from schemas.events.decisions import Outcome
from training.rows import identity
from training.rows.identity import Identities, places_among

Admissions = npt.NDArray[np.int8]

DECIDED: Final = ("application_id", "outcome")
REVIEWED: Final = ("application_id", "outcome", "reviewed_at")
NEVER: Final = np.iinfo(np.int64).min


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


class AdmissionJoin:
    """Collects decisions and reviews of the applications whose outcome is known: ten bytes for each of them."""

    def __init__(self, wanted: Identities) -> None:
        """Knows nothing yet.

        Args:
            wanted: sorted, each once; shape (n,).
        """
        self._wanted = wanted
        self._decided = np.full(len(wanted), Admission.UNKNOWN, dtype=np.int8)
        self._reviewed = np.full(len(wanted), Admission.UNKNOWN, dtype=np.int8)
        self._reviewed_at = np.full(len(wanted), NEVER)

    def decide(self, decisions: Iterable[Mapping[str, Any]]) -> None:
        """Fold in decisions, `DECIDED` of each, in the order they came."""
        for place, decision in self._matches(decisions):
            if self._decided[place] == Admission.UNKNOWN:
                approved = decision["outcome"] == Outcome.APPROVE
                self._decided[place] = Admission.APPROVED if approved else Admission.REFUSED

    def review(self, reviews: Iterable[Mapping[str, Any]]) -> None:
        """Fold in reviews, `REVIEWED` of each; one that sends the case on to another person decides nothing."""
        for place, review in self._matches(reviews):
            at = millis(review["reviewed_at"])
            if review["outcome"] in (Outcome.APPROVE, Outcome.DECLINE) and at >= self._reviewed_at[place]:
                approved = review["outcome"] == Outcome.APPROVE
                self._reviewed[place] = Admission.BY_PERSON if approved else Admission.REFUSED
                self._reviewed_at[place] = at

    def of(self, who: Identities) -> Admissions:
        """The admission of each of these applications, all of them wanted; shape of `who`."""
        places = np.searchsorted(self._wanted, who)
        reviewed = self._reviewed[places]
        return np.where(reviewed == Admission.UNKNOWN, self._decided[places], reviewed).astype(np.int8)

    def _matches(self, events: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Index among the wanted, and the event, of each that is about one of them."""
        listed = list(events)
        names = identity.of_ids([each["application_id"] for each in listed])
        places = places_among(self._wanted, names)
        return ((place, event) for place, event in zip(places.tolist(), listed, strict=True) if place >= 0)


def counts(admissions: Admissions) -> Mapping[str, int]:
    """Rows by admission, its name in lower case; those that occur."""
    counted = Counter(Admission(int(each)).name.lower() for each in admissions)
    return dict(sorted(counted.items()))
