"""The events of this system, as frozen values proven equal to their Avro schemas by test.

Applications are not here: their fields are the product's, and travel as columns (`schemas.applications`).
Build every event with keyword arguments.
"""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, TypeVar

from pydantic import TypeAdapter

from schemas.events.alerts import AlertEvent
from schemas.events.audit import AuditEvent
from schemas.events.decisions import LoanDecision, LoanOutcome
from schemas.events.drift import DriftAcknowledgement, DriftCounts, DriftReport, DriftState
from schemas.events.performance import PerformanceReport
from schemas.events.retraining import ChampionAnnouncement, RetrainCommand, RetrainResult
from schemas.events.reviews import LoanReview

Event = TypeVar("Event")
SCHEMA_FILES: Mapping[type, str] = {
    LoanDecision: "loan_decision.avsc",
    LoanOutcome: "loan_outcome.avsc",
    LoanReview: "loan_review.avsc",
    AuditEvent: "audit_event.avsc",
    AlertEvent: "alert_event.avsc",
    RetrainCommand: "retrain_command.avsc",
    RetrainResult: "retrain_result.avsc",
    ChampionAnnouncement: "champion_announcement.avsc",
    DriftReport: "drift_report.avsc",
    PerformanceReport: "performance_report.avsc",
    DriftCounts: "drift_counts.avsc",
    DriftState: "drift_state.avsc",
    DriftAcknowledgement: "drift_acknowledgement.avsc",
}


def avro_schema(event: Any) -> Mapping[str, Any]:
    """The Avro schema of one event type, as parsed JSON."""
    text = (resources.files("schemas") / "avro" / SCHEMA_FILES[event]).read_text(encoding="utf-8")
    schema: Mapping[str, Any] = json.loads(text)
    return schema


def as_record(event: Any) -> dict[str, Any]:
    """The event as plain data that Avro can write. Items of a sequence are of one kind, so the first tells for all."""
    # `dataclasses.asdict` looks at every number of every list: of partial counts that is most of telling them.
    return {field.name: _plain(getattr(event, field.name)) for field in fields(event)}


def from_record(event: type[Event], record: Mapping[str, Any]) -> Event:
    """The event from decoded plain data.

    Raises:
        pydantic.ValidationError: the data is not one; cannot happen to what Avro resolved to our schema.
    """
    adapter: TypeAdapter[Event] = _adapter(event)  # type: ignore[arg-type]  # a class is hashable, whatever mypy says
    return adapter.validate_python(record)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return as_record(value)
    if isinstance(value, list | tuple) and value and is_dataclass(value[0]):
        return [as_record(each) for each in value]
    return value


@lru_cache(maxsize=32)
def _adapter(event: Any) -> TypeAdapter[Any]:
    return TypeAdapter(event)
