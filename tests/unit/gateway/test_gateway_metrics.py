"""A scorecard that the gateway refuses is counted as the worker counts it."""

from prometheus_client import CollectorRegistry

from gateway.metrics import GatewayMetrics
from streams.worker.model_slots import REFUSALS


def test_a_refused_scorecard_is_counted_by_its_reason_and_begins_at_zero() -> None:
    registry = CollectorRegistry()
    metrics = GatewayMetrics(lambda: 0.0, registry)

    metrics.record_champion_event("signature", None)
    metrics.record_champion_event("installed", None)

    found = {
        reason: registry.get_sample_value("loan_champion_refusals_total", {"alias": "champion", "reason": reason})
        for reason in REFUSALS
    }
    assert found == {"signature": 1, "bundle": 0, "setup": 0}
