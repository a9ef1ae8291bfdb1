"""Performance of a champion: figures with intervals, and the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

PERFORMANCE_METHOD: Final = 2
"""Method of current reports; `PerformanceRules.method` describes the differences."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Loans of similar probability: the stated and the observed default rate."""

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
    """Of scored loans, from their calibrated probabilities: estimates, not observations."""

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
    """None where too few scored loans have an outcome."""
    estimated: EstimatedPerformance | None
    """Of all scored loans; None where too few were scored."""
    expected: EstimatedPerformance | None = None
    """Of the loans that `observed` is of, and so what it is to be held against: those that were approved, or have
    ended, are not like all. None where too few scored loans have an outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeNotes:
    """Irregularities beside loans with one outcome each, in numbers of records."""

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
    method: int = 1
    """1: loans by the texts of their ids; 2: by their digests, from the kept sample, with vintages."""
    mature_ms: int = 0
    """Outcomes of younger loans do not count; 0 counts all."""
    most_level_off: float = 0.0
    """Log-odds; a level surely off by more asks for a recalibration, 0 for none."""
    auc_offset: float | None = None
    """Without `least_auc`: the floor's distance from the AUC expected of the same loans; None for no floor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vintage:
    """Loans applied for in one month, UTC. Rates of fewer than ten people are None."""

    month: str
    """As 2026-03."""
    decided: int
    mature: bool
    """Whether all its loans are."""
    with_outcome: int
    defaults: int | None
    default_rate: Figure | None
    """Of those whose outcome counts; of a vintage that is not mature, nothing final."""


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
    vintages: Sequence[Vintage] = ()
    auc_floor: float = 0.0
    """By `rules.auc_offset`; 0 where `rules.least_auc` is the floor, or there is none."""
