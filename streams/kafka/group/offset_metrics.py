"""Metrics of lost offsets, under the same names in every process that reads with a group."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter

from streams.kafka.group.start_offsets import OffsetLoss, Start


class OffsetMetrics:
    """Of one process."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._losses = Counter(
            "loan_offset_losses_total",
            "Partitions in which the consumer group lost its place, by cause.",
            ["cause"],
            registry=registry,
        )
        self._records = Counter(
            "loan_offset_loss_records_total",
            "Offsets never read (retention), or read perhaps again (truncation, expiry).",
            ["cause"],
            registry=registry,
        )
        # A counter that first appears with its first event hides that event from `increase()`.
        for cause in OffsetLoss:
            self._losses.labels(cause)
            self._records.labels(cause)

    def count(self, start: Start) -> None:
        """A group lost its place in one partition."""
        if start.loss is not None:
            self._losses.labels(start.loss).inc()
            self._records.labels(start.loss).inc(start.records)
