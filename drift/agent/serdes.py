"""Serializers and deserializers of the events that the window owner reads and writes."""

from dataclasses import dataclass

from drift.settings import DriftSettings
from schemas.events.drift import DriftAcknowledgement, DriftCounts, DriftReport, DriftState
from schemas.events.performance import PerformanceReport
from schemas.events.retraining import RetrainCommand, RetrainResult
from schemas.registry_client import EventSerde


@dataclass(frozen=True, slots=True)
class Serdes:
    """One for each type of event."""

    counts: EventSerde[DriftCounts]
    reports: EventSerde[DriftReport]
    performances: EventSerde[PerformanceReport]
    states: EventSerde[DriftState]
    commands: EventSerde[RetrainCommand]
    results: EventSerde[RetrainResult]
    acknowledgements: EventSerde[DriftAcknowledgement]

    @classmethod
    def of(cls, settings: DriftSettings) -> "Serdes":
        """Those of the product's topics."""
        registry, topics = settings.registry(), settings.topics()
        return cls(
            counts=EventSerde(registry, DriftCounts, topics.drift_counts.name),
            reports=EventSerde(registry, DriftReport, topics.drift_reports.name),
            performances=EventSerde(registry, PerformanceReport, topics.performance_reports.name),
            states=EventSerde(registry, DriftState, topics.drift_states.name),
            commands=EventSerde(registry, RetrainCommand, topics.retrain_commands.name),
            results=EventSerde(registry, RetrainResult, topics.retrain_results.name),
            acknowledgements=EventSerde(registry, DriftAcknowledgement, topics.drift_acknowledgements.name),
        )
