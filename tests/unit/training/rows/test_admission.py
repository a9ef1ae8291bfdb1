"""A row knows which decision let it in, and a person has the last word."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from schemas.events.decisions import Outcome
from training.rows import identity
from training.rows.admission import Admission, AdmissionJoin, counts

NAMES = ("a", "b", "c", "d")
DAY = datetime(2026, 3, 1, tzinfo=UTC)


def decision(name: str, outcome: Outcome) -> dict[str, Any]:
    return {"application_id": name, "outcome": outcome}


def review(name: str, outcome: Outcome, hours: int = 0) -> dict[str, Any]:
    return {**decision(name, outcome), "reviewed_at": DAY + timedelta(hours=hours)}


@pytest.fixture
def admission_join() -> AdmissionJoin:
    return AdmissionJoin(np.sort(identity.of_ids(NAMES)))


def admissions(joined: AdmissionJoin) -> list[Admission]:
    return [Admission(each) for each in joined.of(identity.of_ids(NAMES))]


def test_the_scorecards_first_decision_counts(admission_join: AdmissionJoin) -> None:
    admission_join.decide(
        [decision("a", Outcome.APPROVE), decision("b", Outcome.REFER), decision("c", Outcome.DECLINE)]
    )
    admission_join.decide([decision("a", Outcome.DECLINE), decision("stranger", Outcome.APPROVE)])

    assert admissions(admission_join) == [Admission.APPROVED, Admission.REFUSED, Admission.REFUSED, Admission.UNKNOWN]


def test_a_persons_latest_review_is_the_last_word(admission_join: AdmissionJoin) -> None:
    admission_join.decide([decision(name, Outcome.APPROVE) for name in NAMES])
    admission_join.review(
        [
            review("a", Outcome.DECLINE, hours=2),
            review("a", Outcome.APPROVE, hours=1),
            review("b", Outcome.APPROVE),
            review("c", Outcome.REFER),
        ]
    )

    assert admissions(admission_join) == [
        Admission.REFUSED,
        Admission.BY_PERSON,
        Admission.APPROVED,
        Admission.APPROVED,
    ]


def test_rows_are_counted_by_admission() -> None:
    assert counts(np.array([0, 1, 1, 3], dtype=np.int8)) == {"approved": 2, "refused": 1, "unknown": 1}
