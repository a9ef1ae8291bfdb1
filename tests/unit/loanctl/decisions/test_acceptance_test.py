"""An installed system is held to each promise by what its decisions show."""

from typing import Any

import pytest

from loanctl.decisions.acceptance_test import Answer, Limits, verification

LIMITS = Limits(p99_ms=100.0, min_auc=0.7)


def a_decision(**changes: Any) -> dict[str, Any]:
    usual = {
        "application_id": "a-1",
        "outcome": "DECLINE",
        "probability": 0.9,
        "margin": 2.0,
        "base_value": -1.0,
        "contributions": [{"contribution": 2.5}, {"contribution": 0.5}],
        "approve_below": 0.1,
        "decline_from": 0.3,
        "reasons": [{"code": "INCOME"}],
        "fault": None,
    }
    return {**usual, **changes}


def an_approval(**changes: Any) -> dict[str, Any]:
    return a_decision(**{"outcome": "APPROVE", "probability": 0.05, "reasons": [], **changes})


def answers(*decisions: dict[str, Any], milliseconds: float = 20.0) -> list[Answer]:
    return [
        Answer(decision=each, milliseconds=milliseconds, defaulted=each["outcome"] == "DECLINE") for each in decisions
    ]


def failures(found: Any) -> list[str]:
    return [each.name for each in found.findings if not each.passed]


def test_a_system_that_keeps_its_promises_passes() -> None:
    found = verification(2, answers(a_decision(), an_approval()), LIMITS)

    assert failures(found) == []
    assert found.plain()["passed"] is True
    assert found.figures == {
        "p50_ms": 20.0, "p99_ms": 20.0, "with_outcome": 2.0, "auc": 1.0, "accuracy": 1.0, "brier": 0.0062,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"outcome": "UNKNOWN"}, "no outcome"),
        ({"margin": 2.1}, "do not add up"),
        ({"outcome": "REFER"}, "not that of its probability"),
        ({"reasons": []}, "has 0 reasons"),
        ({"reasons": [{}] * 5}, "has 5 reasons"),
        ({"margin": None}, "neither scored nor at fault"),
    ],
)
def test_a_malformed_decision_is_named(changed: dict[str, Any], said: str) -> None:
    found = verification(2, answers(a_decision(**changed), an_approval()), LIMITS)

    assert "decisions are well formed" in failures(found)
    assert said in found.findings[1].seen


def test_a_missing_row_a_slow_answer_and_a_wrong_one_fail_each_their_own_promise() -> None:
    right = answers(a_decision(), an_approval())
    wrong = [Answer(decision=each.decision, milliseconds=20.0, defaulted=not each.defaulted) for each in right]

    assert failures(verification(3, right, LIMITS)) == ["every row is decided once"]
    assert failures(verification(2, answers(a_decision(), an_approval(), milliseconds=100.1), LIMITS)) == ["in time"]
    assert failures(verification(2, wrong, LIMITS)) == ["right about the loans"]


def test_nothing_answered_keeps_no_promise() -> None:
    assert len(failures(verification(3, [], LIMITS))) == 4
