"""What each process exports to Prometheus: the one list from which documentation, dashboards and tests are made."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from prometheus_client import CollectorRegistry, Metric

from schemas.contract.contract import Contract
from schemas.topics import topics_of
from streams.runtime.health_server import ready_gauge


def registries(contract: Contract) -> Mapping[str, CollectorRegistry]:
    """By process, a registry with every metric of it, for a product."""
    return {
        "Scoring worker": _registry("streams.worker.metrics:WorkerMetrics", contract),
        "Drift agent": _registry("drift.metrics:DriftMetrics", topics_of(contract)),
        "Trainer": _registry("training.metrics:TrainerMetrics"),
        "Ledger": _registry("ledger.metrics:LedgerMetrics", ("decisions",)),
        "Gateway": _registry("gateway.metrics:GatewayMetrics", float),
    }


def exported_metrics(contract: Contract) -> Mapping[str, Sequence[Metric]]:
    """By process, its metrics in the order of their names."""
    return {
        process: sorted(registry.collect(), key=lambda metric: metric.name)
        for process, registry in registries(contract).items()
    }


def _registry(place: str, *arguments: Any) -> CollectorRegistry:
    registry = CollectorRegistry()
    module, _, name = place.partition(":")
    getattr(import_module(module), name)(*arguments, registry)
    registry.register(ready_gauge(bool))
    return registry
