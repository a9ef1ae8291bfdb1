"""Decisions on applications, and the outcome of each loan."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    UNKNOWN = "UNKNOWN"
    APPROVE = "APPROVE"
    REFER = "REFER"
    DECLINE = "DECLINE"


class ContributionSpace(StrEnum):
    """The unit of margins and contributions."""

    UNKNOWN = "UNKNOWN"
    LOG_ODDS = "LOG_ODDS"
    PROBABILITY = "PROBABILITY"
    NONE = "NONE"


class FlagKind(StrEnum):
    """An irregularity of one value."""

    UNKNOWN = "UNKNOWN"
    MISSING = "MISSING"
    UNSEEN = "UNSEEN"
    INVALID = "INVALID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """Contribution of one feature to the margin."""

    feature: str
    value: float | str | None
    contribution: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """An adverse-action reason and the features behind it."""

    code: str
    text: str
    features: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFlag:
    """One oddity of one feature."""

    feature: str
    kind: FlagKind


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanDecision:
    """One decision, auditable alone. `base_value` plus all contributions is `margin`."""

    decision_id: str
    application_id: str
    applied_at: datetime
    outcome: Outcome
    probability: float | None
    margin: float | None
    base_value: float | None
    contribution_space: ContributionSpace
    contributions: Sequence[Contribution]
    approve_below: float
    decline_from: float
    reasons: Sequence[Reason]
    flags: Sequence[DataFlag]
    fault: str | None
    scorecard_name: str
    scorecard_version: str
    scorecard_digest: str
    scorecard_family: str
    policy_version: str
    reference_id: str
    source_topic: str
    source_partition: int
    source_offset: int
    source_schema_id: int
    code_version: str = ""
    """The release that decided; empty in decisions of releases that did not name themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanOutcome:
    application_id: str
    defaulted: bool
    observed_at: datetime
