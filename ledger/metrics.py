"""Prometheus metrics of the ledger."""

import time
from collections.abc import Callable, Iterable

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

WRITE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class LedgerMetrics:
    def __init__(self, tables: Iterable[str], registry: CollectorRegistry = REGISTRY) -> None:
        """All at zero.

        Args:
            tables: names of the tables recorded to.
        """
        self.rows = Counter("loan_ledger_rows_total", "Rows recorded, by table.", ["table"], registry=registry)
        self.passed_over = Counter(
            "loan_ledger_passed_over_total",
            "Records that could not become a row, by table and reason.",
            ["table", "reason"],
            registry=registry,
        )
        self.missed = Counter(
            "loan_ledger_missed_records_total",
            "Offsets that retention deleted before they were recorded.",
            registry=registry,
        )
        self.write_seconds = Histogram(
            "loan_ledger_write_seconds",
            "One transaction: rows, chain and offsets.",
            buckets=WRITE_BUCKETS,
            registry=registry,
        )
        self.outages = Counter(
            "loan_ledger_outages_total", "Outages begun, by dependency.", ["neighbour"], registry=registry
        )
        self.waiting = Gauge("loan_review_queue_cases", "Cases that wait for a person.", registry=registry)
        self.oldest_seconds = Gauge(
            "loan_review_queue_oldest_seconds",
            "How long the oldest case has waited; 0 for an empty queue.",
            registry=registry,
        )
        self._lag = Gauge("loan_ledger_lag_records", "Records waiting to be recorded.", registry=registry)
        self._lag_seconds = Gauge(
            "loan_ledger_lag_seconds",
            "Age of the last recorded record, while others wait after it; else 0.",
            registry=registry,
        )
        # A counter that first appears with its first event hides that event from `increase()`.
        for dependency in ("broker", "registry", "database"):
            self.outages.labels(dependency)
        for table in tables:
            self.rows.labels(table)
            self.passed_over.labels(table, "undecodable")

    def watch_lag(self, records: Callable[[], int], newest: Callable[[], int]) -> None:
        """Ask for the lag when it is scraped.

        Args:
            newest: when the last one recorded was produced, in milliseconds since 1970; 0 for none yet.
        """
        self._lag.set_function(records)
        self._lag_seconds.set_function(
            lambda: max(0.0, time.time() - newest() / 1000) if records() and newest() else 0.0
        )
