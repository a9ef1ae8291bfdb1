"""Prometheus metrics of the gateway; `loan_gateway_...`, base units, no ids and no values."""

from collections.abc import Callable
from itertools import product
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from schemas.events.alerts import AlertStatus
from scorecard.decisions.scoring import RegisteredScorecard
from streams.worker.model_slots import REFUSALS

BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SEVERITIES: Final = ("critical", "warning")
"""Of alerts in deploy/prometheus/rules.yml."""
OTHER: Final = "other"
"""All other severities are one to the metric, whose labels are a closed set."""


class GatewayMetrics:
    def __init__(self, waiting: Callable[[], float], registry: CollectorRegistry = REGISTRY) -> None:
        """Register with Prometheus.

        Args:
            waiting: called at each scrape for the number of applications waiting for their decision.
        """
        self.requests = Counter(
            "loan_gateway_requests_total",
            "Requests answered, by route and status class (2xx).",
            ["route", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "loan_gateway_request_seconds",
            "Time from a request's head to its answer.",
            ["route"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.refusals = Counter(
            "loan_gateway_refusals_total",
            "Requests answered with a problem document, by kind.",
            ["kind"],
            registry=registry,
        )
        self.alerts = Counter(
            "loan_gateway_alerts_total",
            "Alerts published for Alertmanager, by severity and status.",
            ["severity", "status"],
            registry=registry,
        )
        for severity, status in product((*SEVERITIES, OTHER), AlertStatus):
            if status is not AlertStatus.UNKNOWN:
                self.alerts.labels(severity, status.lower())
        self.published = Counter(
            "loan_gateway_applications_total", "Applications that the broker accepted.", registry=registry
        )
        self.decisions_read = Counter(
            "loan_gateway_decisions_read_total", "Decisions read from the topic, waited for or not.", registry=registry
        )
        self._champion_refusals = Counter(
            "loan_champion_refusals_total", "Scorecards refused.", ["alias", "reason"], registry=registry
        )
        for reason in REFUSALS:
            self._champion_refusals.labels("champion", reason)
        gauge = Gauge("loan_gateway_waiting", "Applications waiting for their decision.", registry=registry)
        gauge.set_function(waiting)

    def record_champion_event(self, event: str, _holder: RegisteredScorecard | None) -> None:
        """The champion's seat changed hands, or a successor was refused."""
        if event in REFUSALS:
            self._champion_refusals.labels("champion", event).inc()
