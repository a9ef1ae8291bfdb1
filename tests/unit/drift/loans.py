"""Reports of performance, for tests."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from drift.performance.loan_figures import observed_performance
from schemas.events.performance import (
    Figure,
    ObservedPerformance,
    OutcomeNotes,
    Performance,
    PerformanceReport,
    PerformanceRules,
    ReadRange,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NOTES = OutcomeNotes(
    outcomes=0,
    unknown=0,
    contradictory=0,
    repeated=0,
    before=0,
    too_old=0,
    decided_again=0,
    unreadable=0,
)


def some_performance(n: int = 1_000, skill: float = 1.0) -> ObservedPerformance:
    """Loans whose margins tell repaid from defaulted by so many deviations."""
    rng = np.random.default_rng(5)
    defaulted = rng.random(n) < 0.3
    margin = rng.normal(-1.0, 1.0, n) + skill * defaulted
    return observed_performance(1.0 / (1.0 + np.exp(-margin)), defaulted, np.random.default_rng(1))


def a_look(found: ObservedPerformance | None = None, least_auc: float = 0.75, **fields: Any) -> PerformanceReport:
    """A report of a champion with these loans."""
    n = found.n if found else 0
    auc = found.auc if found else None
    performance = Performance(
        decided=2 * n,
        scored=2 * n,
        with_outcome=n,
        share_with_outcome=0.5 if n else 0.0,
        approval_rate=Figure(0.6, 0.5, 0.7),
        observed=found,
        estimated=None,
    )
    usual = {
        "report_id": "credit_risk:3:1",
        "product": "credit_risk",
        "champion_version": "3",
        "champion_digest": "c" * 64,
        "as_of": NOW,
        "performance": performance,
        "notes": NOTES,
        "rules": PerformanceRules(age_ms=365 * 86_400_000, most=50_000, least_auc=least_auc, minimum_n=500),
        "kept": 1.0,
        "offsets": (
            ReadRange(topic="loan.decisions.v1", partition=0, first=0, end=2 * n),
            ReadRange(topic="loan.outcomes.v1", partition=0, first=0, end=n),
        ),
        "fallen": auc is not None and auc.high < least_auc,
        "command_id": "",
        "withheld": "",
    }
    return PerformanceReport(**{**usual, **fields})
