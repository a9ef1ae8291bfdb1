"""Retrain commands, their results, and announcements of a champion."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RetrainCause(StrEnum):
    UNKNOWN = "UNKNOWN"
    DRIFT = "DRIFT"
    SCHEDULE = "SCHEDULE"
    PERSON = "PERSON"
    PERFORMANCE = "PERFORMANCE"


class RetrainScope(StrEnum):
    """What of the champion is made anew."""

    UNKNOWN = "UNKNOWN"
    """Of a newer sender; answered as FULL."""
    FULL = "FULL"
    RECALIBRATION = "RECALIBRATION"
    """Calibration, cut-offs and reasons; its forest stays."""


class RetrainStatus(StrEnum):
    UNKNOWN = "UNKNOWN"
    DUPLICATE = "DUPLICATE"
    HELD = "HELD"
    REJECTED = "REJECTED"
    PROMOTED = "PROMOTED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainCommand:
    """Asks the trainer for a challenger; idempotent by `command_id`."""

    command_id: str
    product: str
    cause: RetrainCause
    why: str
    champion_version: str
    champion_digest: str
    reference_id: str
    window_start: datetime | None
    window_end: datetime | None
    issued_at: datetime
    scope: RetrainScope = RetrainScope.FULL


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainResult:
    command_id: str
    product: str
    status: RetrainStatus
    why: str
    champion_version: str
    challenger_version: str
    challenger_digest: str
    run_id: str
    rows: int
    metrics: Mapping[str, float]
    finished_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChampionAnnouncement:
    """Says which scorecard decides from now on."""

    product: str
    name: str
    version: str
    digest: str
    family: str
    previous_version: str
    command_id: str
    why: str
    announced_at: datetime
