"""Drift and performance reports as the agent makes them: windows whose applicants change half-way."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache

from schemas.events.drift import DecisionDrift, DriftReport, FeatureDrift
from schemas.events.performance import PerformanceReport
from tests.builders import CONTRACT, some_values
from tests.unit.drift.loans import NOW, a_look, some_performance
from tests.unit.drift.stream import Counter, a_reference, applicants, interleave, logs, monitor_rules, run_monitor

WINDOWS = 12
SHIFTED = 8
"""From this window on incomes are doubled."""
HOURS = timedelta(hours=1)


@lru_cache(maxsize=1)
def windows() -> Sequence[DriftReport]:
    """Of an hour each, as if it were an hour; the oldest first, with the champion's decisions."""
    reference, values = a_reference(), some_values(600 * WINDOWS, seed=3)
    values[600 * SHIFTED :, CONTRACT.position["person_income"]] *= 2.0
    log = logs(applicants(values), 1, reference)[0]
    reports, _ = run_monitor(interleave([Counter(0, log, 1, reference)], 1), monitor_rules(), [reference])
    return [_with_decisions(report, nth) for nth, report in enumerate(reports)]


def checks() -> Sequence[PerformanceReport]:
    """Four performance checks, each with more outcomes than the last; the last one has fallen."""
    looks = [
        a_look(some_performance(400 * nth, skill=1.4), report_id=f"credit_risk:3:{nth}", as_of=NOW + nth * 24 * HOURS)
        for nth in (1, 2, 3)
    ]
    fallen = a_look(some_performance(2_000, skill=0.3), report_id="credit_risk:3:4", as_of=NOW + 96 * HOURS)
    return [*looks, fallen]


def _with_decisions(report: DriftReport, nth: int) -> DriftReport:
    weights = {"person_income": 0.6, "loan_amnt": 0.3}
    features = [replace(each, weight=weights.get(each.feature, 0.0)) for each in report.features]
    by_name = {each.feature: each for each in features}
    income, amount = by_name["person_income"], by_name["loan_amnt"]
    rate = 0.6 if nth < SHIFTED else 0.82
    return replace(
        report,
        window_start=NOW + nth * HOURS,
        window_end=NOW + (nth + 1) * HOURS,
        features=features,
        decisions=DecisionDrift(
            n=report.n,
            late=0,
            duplicates=0,
            score=_of(income, "score"),
            contributions=[_of(income, "person_income"), _of(amount, "loan_amnt")],
            reasons=_of(by_name["loan_intent"], "reasons"),
            outcomes=(0, 300, 200, 100),
            reference_outcomes=(0, 1_200, 500, 300),
            approval_rate=rate,
            approval_low=0.54,
            approval_high=0.66,
            approval_outside=rate > 0.66,
            estimated_default_rate=0.21 - nth / 200,
        ),
    )


def _of(quantity: FeatureDrift, name: str) -> FeatureDrift:
    return replace(quantity, feature=name, mean=0.2)
