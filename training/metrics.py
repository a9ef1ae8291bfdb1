"""Prometheus metrics of the trainer: seconds and counts, labels from closed sets."""

from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from schemas.events.retraining import RetrainStatus
from streams.kafka.group.offset_metrics import OffsetMetrics

SECONDS: Final = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0)
UNREADABLE: Final = "UNREADABLE"
"""Beside the statuses of a result: what is no command."""


class TrainerMetrics:
    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.commands: Final = Counter(
            "loan_retrain_commands_total", "Retrain commands answered.", ["status"], registry=registry
        )
        for status in (*(status.value for status in RetrainStatus if status is not RetrainStatus.UNKNOWN), UNREADABLE):
            self.commands.labels(status=status)
        self.offsets: Final = OffsetMetrics(registry)
        self.seconds: Final = Histogram(
            "loan_retrain_seconds", "Time from reading a command to its answer.", buckets=SECONDS, registry=registry
        )
        self.in_progress: Final = Gauge(
            "loan_retrain_in_progress", "1 while a command is in progress.", registry=registry
        )
        self.outages: Final = Counter(
            "loan_retrain_outages_total", "Outages begun: a dependency was unavailable.", registry=registry
        )
        self.last: Final = Gauge(
            "loan_retrain_last_promotion_timestamp_seconds", "When a command last led to a champion.", registry=registry
        )
        self.trials: Final = Counter("loan_retrain_trials_total", "Choices tried by searches.", registry=registry)

    def outage_began(self, _dependency: str) -> None:
        self.outages.inc()
