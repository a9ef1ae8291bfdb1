"""What Prometheus hears of the champion's loans, and of windows that another agent owns."""

import math
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from drift.metrics import DriftMetrics
from schemas.events.drift import Verdict, WindowAlarm
from schemas.events.performance import Figure
from schemas.topics import topics_of
from tests.builders import CONTRACT
from tests.drift_events import a_report
from tests.unit.drift.loans import a_look, some_performance

AUC = {"figure": "auc", "of": "observed"}
ENDS = ("value", "low", "high")
ASKED = (("loan_drift_window_alarm", {"kind": "late"}), ("loan_drift_withheld", {"reason": "in_flight"}))


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> DriftMetrics:
    return DriftMetrics(topics_of(CONTRACT), registry)


def test_a_look_is_told_with_its_interval_and_whether_the_champion_has_fallen(
    metrics: DriftMetrics, registry: CollectorRegistry
) -> None:
    metrics.record_performance(a_look(replace(some_performance(), auc=Figure(0.6, 0.58, 0.62))))
    metrics.record_command("performance-1")

    ends = [
        registry.get_sample_value("loan_drift_performance", {**AUC, "end": end}) for end in ("value", "low", "high")
    ]
    assert ends == [0.6, 0.58, 0.62]
    assert registry.get_sample_value("loan_drift_loans", {"kind": "ended"}) == 1_000
    assert registry.get_sample_value("loan_drift_performance_fallen") == 1
    assert registry.get_sample_value("loan_drift_commands_total") == 1


def test_a_figure_that_cannot_be_had_any_more_does_not_stand_as_it_was(
    metrics: DriftMetrics, registry: CollectorRegistry
) -> None:
    metrics.record_performance(a_look(some_performance()))
    metrics.record_performance(a_look(None))

    assert registry.get_sample_value("loan_drift_performance", {**AUC, "end": "value"}) is None
    assert registry.get_sample_value("loan_drift_loans", {"kind": "ended"}) == 0


def test_who_owns_the_windows_no_more_tells_nothing_of_them(metrics: DriftMetrics, registry: CollectorRegistry) -> None:
    metrics.record_report(a_report(Verdict.DRIFTED))
    metrics.record_performance(a_look(replace(some_performance(), auc=Figure(0.6, 0.58, 0.62))))

    metrics.clear_windows()

    for name in ("loan_drift_verdict", "loan_drift_window_applications", "loan_drift_performance_fallen"):
        assert math.isnan(registry.get_sample_value(name) or 0.0), name
    assert registry.get_sample_value("loan_drift_performance", {**AUC, "end": "value"}) is None
    assert registry.get_sample_value("loan_drift_windows_total", {"verdict": "drifted"}) == 1


def test_why_no_command_followed_and_what_strayed_are_of_the_last_window(
    metrics: DriftMetrics, registry: CollectorRegistry
) -> None:
    alarm = WindowAlarm(kind="LATE", share=0.4, limit=0.05)
    metrics.record_report(replace(a_report(Verdict.DRIFTED), withheld="in_flight", alarms=(alarm,)))
    strays, reasons = (registry.get_sample_value(*one) for one in ASKED)
    metrics.record_report(a_report(Verdict.STEADY))

    assert (strays, reasons) == (1, 1)
    assert [registry.get_sample_value(*one) for one in ASKED] == [0, 0]
