"""Alerts of Prometheus, as Alertmanager tells the gateway."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AlertStatus(StrEnum):
    UNKNOWN = "UNKNOWN"
    FIRING = "FIRING"
    RESOLVED = "RESOLVED"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent:
    """An alert began or ended."""

    alert_id: str
    """Of one occurrence: beginning and end have the same."""
    product: str
    name: str
    status: AlertStatus
    severity: str
    summary: str
    description: str
    runbook: str
    labels: Mapping[str, str]
    started_at: datetime
    ended_at: datetime | None = None
