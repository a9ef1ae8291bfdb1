"""Decisions for tests, as a worker would publish them; each names only what matters to the test that asks."""

from datetime import UTC, datetime
from typing import Any

from schemas.events.decisions import Contribution, ContributionSpace, LoanDecision, Outcome, Reason

APPLIED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def a_decision(application_id: str, probability: float | None, **overrides: Any) -> LoanDecision:
    """Approved below .2 and declined from .6 on, by the champion of version 1."""
    below, declined = overrides.get("approve_below", 0.2), overrides.get("decline_from", 0.6)
    usual: dict[str, Any] = {
        "decision_id": f"d-{application_id}",
        "application_id": application_id,
        "applied_at": APPLIED_AT,
        "outcome": outcome_of(probability, below, declined),
        "probability": probability,
        "margin": None if probability is None else 0.0,
        "base_value": None if probability is None else 0.0,
        "contribution_space": ContributionSpace.NONE if probability is None else ContributionSpace.LOG_ODDS,
        "contributions": (),
        "approve_below": below,
        "decline_from": declined,
        "reasons": (),
        "flags": (),
        "fault": "out_of_range" if probability is None else None,
        "scorecard_name": "credit_risk-scorecard",
        "scorecard_version": "1",
        "scorecard_digest": "c" * 64,
        "scorecard_family": "xgboost",
        "policy_version": "p-1",
        "reference_id": "r-1",
        "source_topic": "loan.applications.v1",
        "source_partition": 0,
        "source_offset": 0,
        "source_schema_id": 7,
    }
    return LoanDecision(**{**usual, **overrides})


def outcome_of(probability: float | None, approve_below: float = 0.2, decline_from: float = 0.6) -> Outcome:
    """What the cut-offs make of it."""
    if probability is None:
        return Outcome.REFER
    if probability < approve_below:
        return Outcome.APPROVE
    return Outcome.DECLINE if probability >= decline_from else Outcome.REFER


def contributions(**added: float) -> tuple[Contribution, ...]:
    """Of each feature named."""
    return tuple(Contribution(feature=name, value=1.0, contribution=value) for name, value in added.items())


def reasons(*codes: str) -> tuple[Reason, ...]:
    return tuple(Reason(code=code, text=code.title(), features=()) for code in codes)
