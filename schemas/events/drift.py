"""Drift: partial counts, window reports, saved state, acknowledgements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.events.decisions import FlagKind


class Verdict(StrEnum):
    UNKNOWN = "UNKNOWN"
    INSUFFICIENT = "INSUFFICIENT"
    STEADY = "STEADY"
    WATCH = "WATCH"
    DRIFTED = "DRIFTED"


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
    state: str = ""
    commands: bool = True
    weight: float = 0.0
    psi_development: float | None = None
    """Against the development sample; None where the reference is that, or the profile has none."""
    psi_development_before: float | None = None
    """The reference against that sample: how far the field was when the reference was accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAlarm:
    """A kind of bad data whose share has surely changed; never a cause to retrain."""

    feature: str
    kind: FlagKind
    share: float
    reference_share: float
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionDrift:
    """The champion's decisions on a window's applicants; outcomes by the order of `Outcome`."""

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
class FieldLimits:
    """PSI limits of one field in place of the usual ones."""

    feature: str
    watch_from: float
    drifted_from: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerClock:
    """A listed producer, and how far its clock may be ahead."""

    producer: str
    ahead_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerCount:
    """Records of a listed producer: counted, late, ahead."""

    producer: str
    n: int
    late: int
    ahead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRules:
    """Settings that a report depends on."""

    pane_ms: int
    lateness_ms: int
    ahead_ms: int
    minimum_n: int
    alpha: float
    method: int = 1
    """Reports of earlier versions are recomputed by the method of theirs."""
    watch_from: float = 0.1
    drifted_from: float = 0.2
    stray_share: float = 1.0
    field_limits: Sequence[FieldLimits] = ()
    drifted_needed: int = 2
    drifted_of: int = 3
    cooldown_ms: int = 0
    in_flight_ms: int = 0
    """0: a command without an answer holds back for ever."""
    quiet_hours: str = ""
    time_zone: str = "UTC"
    development_from: float = 0.0
    """0: the development sample is not looked at."""
    rows_factor: float = 0.0
    """0: rows are not compared with those expected."""
    producers: Sequence[ProducerClock] = ()

    def limits_of(self, feature: str) -> tuple[float, float]:
        """From which PSI a quantity is WATCH, and from which DRIFTED."""
        own = (each for each in self.field_limits if each.feature == feature)
        found = next(own, None)
        return (found.watch_from, found.drifted_from) if found else (self.watch_from, self.drifted_from)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowAlarm:
    """A share of a window's records that is too large (late, ahead, unreadable), or its rows by those expected."""

    kind: str
    share: float
    limit: float
    producer: str = ""
    """Whose records; empty for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkJump:
    """A watermark moved by idleness: when `offset` was read it was at least `watermark`."""

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
    """Distances of one closed window from the champion's reference."""

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
    alarms: Sequence[WindowAlarm] = ()
    expected_rows: float = 0.0
    """0 where nothing says."""
    producers: Sequence[ProducerCount] = ()


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
    producers: Sequence[ProducerCount] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftCounts:
    """Counts of one reader in one partition since its last message."""

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
    """Snapshot of the window owner. Compacted: the latest record per product counts."""

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
class HourCounts:
    """Applicants of one hour of the week: the counts of all features one after the other, in the order of a profile."""

    hour: int
    """0 is Monday, midnight to one o'clock; 167 Sunday's last."""
    counts: Sequence[int]
    weeks: int = 0
    """How often the hour occurs in the stretch of time that was counted; 0 in weeks declared before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualWeek:
    """Applicants by hour of the week, with whom windows of the same hours are compared."""

    reference_id: str
    time_zone: str
    hours: Sequence[HourCounts]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftAcknowledgement:
    """A person knows of a shift: a declared change of policy, a campaign, a season."""

    acknowledgement_id: str
    product: str
    why: str
    hold_until: datetime | None
    season: Season | None
    acknowledged_at: datetime
    usual_week: UsualWeek | None = None
