"""Who got a loan: by the first decision, and by a person's latest review over it."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from loanctl.reports.decision_wait import known_decisions
from schemas.events.decisions import Outcome

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def a_case(name: str, outcome: Outcome, hours: int = 0) -> Any:
    return SimpleNamespace(application_id=name, outcome=outcome, reviewed_at=DAY + timedelta(hours=hours))


def test_the_first_decision_counts_and_a_person_has_the_last_word() -> None:
    decisions = [a_case("a", Outcome.APPROVE), a_case("b", Outcome.REFER), a_case("c", Outcome.APPROVE)]
    reviews = [
        a_case("b", Outcome.APPROVE, hours=3),
        a_case("b", Outcome.DECLINE, hours=2),
        a_case("c", Outcome.DECLINE),
        a_case("a", Outcome.REFER),
    ]

    found = known_decisions([*decisions, a_case("a", Outcome.DECLINE)], reviews)

    assert found.decided == {"a", "b", "c"}
    assert found.approved == {"a", "b"}
