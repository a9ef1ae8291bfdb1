"""The events of this system, as frozen values proven equal to their Avro schemas by test.

Applications are not here: their fields are the product's, and travel as columns (`schemas.applications`).
Build every event with keyword arguments.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Any, TypeVar

from pydantic import TypeAdapter

Event = TypeVar("Event")


class Outcome(StrEnum):
    """What was decided."""

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
    """What is odd about one value."""

    UNKNOWN = "UNKNOWN"
    MISSING = "MISSING"
    UNSEEN = "UNSEEN"
    INVALID = "INVALID"


class RetrainCause(StrEnum):
    """Who asks for a challenger."""

    UNKNOWN = "UNKNOWN"
    DRIFT = "DRIFT"
    SCHEDULE = "SCHEDULE"
    PERSON = "PERSON"
    PERFORMANCE = "PERFORMANCE"


class RetrainStatus(StrEnum):
    """How a command ended."""

    UNKNOWN = "UNKNOWN"
    DUPLICATE = "DUPLICATE"
    HELD = "HELD"
    REJECTED = "REJECTED"
    PROMOTED = "PROMOTED"
    FAILED = "FAILED"


class Verdict(StrEnum):
    """What a window says about the applicants."""

    UNKNOWN = "UNKNOWN"
    INSUFFICIENT = "INSUFFICIENT"
    STEADY = "STEADY"
    WATCH = "WATCH"
    DRIFTED = "DRIFTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one feature added to the margin."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanOutcome:
    """What became of a loan."""

    application_id: str
    defaulted: bool
    observed_at: datetime


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainResult:
    """The trainer's answer to one command."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDrift:
    """One quantity in one window; the last three counts are MISSING, INVALID, UNSEEN, and are in no statistic."""

    feature: str
    n: int
    psi: float
    psi_critical: float
    psi_p: float
    psi_floored: float
    ks: float
    js_distance: float
    chi2: float
    chi2_p: float
    largest_shift: float
    largest_shift_bin: str
    mean: float | None
    edges: Sequence[float]
    levels: Sequence[str]
    counts: Sequence[int]
    reference_counts: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAlarm:
    """A kind of bad data that has become more frequent; never a cause to retrain."""

    feature: str
    kind: FlagKind
    share: float
    reference_share: float
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionDrift:
    """What the champion made of a window's applicants; outcomes by the order of `Outcome`."""

    n: int
    late: int
    duplicates: int
    score: FeatureDrift
    contributions: Sequence[FeatureDrift]
    reasons: FeatureDrift
    outcomes: Sequence[int]
    reference_outcomes: Sequence[int]
    approval_rate: float
    approval_low: float
    approval_high: float
    approval_outside: bool
    estimated_default_rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRules:
    """Settings that a report depends on."""

    pane_ms: int
    lateness_ms: int
    ahead_ms: int
    minimum_n: int
    alpha: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkJump:
    """Where silence moved a partition's watermark: as `offset` was read it stood at least at `watermark`."""

    offset: int
    watermark: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetRange:
    """A stretch of one partition, both ends inclusive; `watermark` is the latest event time before it.

    Panes that begin before `floor` were counted for a former champion.
    """

    topic: str
    partition: int
    first: int
    last: int
    watermark: int
    floor: int
    jumps: Sequence[WatermarkJump]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """How far one closed window lies from the champion's reference."""

    window_id: str
    product: str
    champion_version: str
    champion_digest: str
    reference_id: str
    window_start: datetime
    window_end: datetime
    n: int
    late: int
    duplicates: int
    ahead: int
    unreadable: int
    verdict: Verdict
    largest_psi: float
    largest_psi_feature: str
    features: Sequence[FeatureDrift]
    data_quality: Sequence[DataAlarm]
    decisions: DecisionDrift | None
    rules: DriftRules
    offsets: Sequence[OffsetRange]
    command_id: str
    withheld: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Loans of near probabilities: what was stated, and what became of them."""

    n: int
    stated: float
    observed: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedPerformance:
    """Of the scored loans whose outcome is known. Figures that so few cannot give are None."""

    n: int
    defaults: int
    default_rate: Figure
    stated_default_rate: float
    """Mean probability of the same loans."""
    auc: Figure | None
    ks: Figure | None
    brier: Figure
    intercept: Figure | None
    """Log-odds to add to what is stated; 0 where it is right on the whole."""
    slope: Figure | None
    """Under 1 where what is stated is too extreme."""
    bins: Sequence[CalibrationBin]


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatedPerformance:
    """Of all scored loans, from their calibrated probabilities: estimates, not observations."""

    n: int
    default_rate: Figure
    auc: Figure | None
    ks: Figure | None
    brier: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Of one champion over one stretch."""

    decided: int
    scored: int
    with_outcome: int
    share_with_outcome: float
    """Of the decisions; the rest is not known yet, or will never be: the declined are not lent to."""
    approval_rate: Figure | None
    observed: ObservedPerformance | None
    """None where no scored loan has an outcome."""
    estimated: EstimatedPerformance | None
    """None where no loan was scored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeNotes:
    """What was met beside loans with one outcome each, in numbers of records."""

    outcomes: int
    unknown: int
    contradictory: int
    repeated: int
    before: int
    too_old: int
    decided_again: int
    unreadable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceRules:
    """Settings that a report of performance depends on."""

    age_ms: int
    most: int
    least_auc: float
    minimum_n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRange:
    """A stretch of one partition; `end` is exclusive."""

    topic: str
    partition: int
    first: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceReport:
    """How well a champion ranks and states risk, over all that it has decided, as known at one time."""

    report_id: str
    product: str
    champion_version: str
    champion_digest: str
    as_of: datetime
    performance: Performance
    notes: OutcomeNotes
    rules: PerformanceRules
    kept: float
    offsets: Sequence[ReadRange]
    fallen: bool
    command_id: str
    withheld: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaneCounts:
    """One closed pane of one partition; times in milliseconds since 1970."""

    start: int
    n: int
    late: int
    duplicates: int
    ahead: int
    unreadable: int
    counts: Sequence[int]
    sums: Sequence[int]
    first: int
    last: int
    watermark: int
    floor: int
    jumped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftCounts:
    """What one reader counted in one partition since it last said so."""

    product: str
    source: str
    partition: int
    partitions: int
    generation: int
    champion_version: str
    champion_digest: str
    reference_id: str
    horizon: int
    idle: bool
    panes: Sequence[PaneCounts]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftState:
    """Where the owner of the windows stands; the last one stands."""

    product: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonCounts:
    """One feature's applicants of the same season before, in the bins of a profile."""

    feature: str
    counts: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """A stretch of event time whose windows are compared with the same season before; `end` is exclusive."""

    start: datetime
    end: datetime
    reference_id: str
    counts: Sequence[SeasonCounts]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftAcknowledgement:
    """A person knows of a shift: a declared change of policy, a campaign, a season."""

    acknowledgement_id: str
    product: str
    why: str
    hold_until: datetime | None
    season: Season | None
    acknowledged_at: datetime


SCHEMA_FILES: Mapping[type, str] = {
    LoanDecision: "loan_decision.avsc",
    LoanOutcome: "loan_outcome.avsc",
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
    """The event that decoded plain data stands for.

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
