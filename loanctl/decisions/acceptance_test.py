"""An installed system held to its promises: every row decided once, well formed, in time, and mostly right. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from schemas.events.decisions import Outcome
from training.evaluation.calibration_choice import brier
from training.evaluation.discrimination_figures import auc

GAP: Final = 1e-6
"""Base value and contributions are the margin, up to the rounding of their sum."""
MOST_REASONS: Final = 4
EVEN: Final = 0.5
BOTH: Final = 2
"""Kinds of ends that an AUC needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    decision: Mapping[str, Any]
    milliseconds: float
    defaulted: bool | None
    """Outcome of the loan; None if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is promised."""

    p99_ms: float
    min_auc: float


@dataclass(frozen=True, slots=True)
class PromiseCheck:
    """One promise: whether it is kept, and what was seen."""

    name: str
    passed: bool
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    rows: int
    findings: Sequence[PromiseCheck]
    figures: Mapping[str, float]

    @property
    def passed(self) -> bool:
        return all(finding.passed for finding in self.findings)

    def plain(self) -> dict[str, Any]:
        checks = [{"name": each.name, "passed": each.passed, "seen": each.seen} for each in self.findings]
        return {"passed": self.passed, "rows": self.rows, "checks": checks, "figures": dict(self.figures)}


def verification(rows: int, answers: Sequence[Answer], limits: Limits) -> Verification:
    """What the answers to so many rows show."""
    figures = {**_times(answers), **_quality(answers)}
    malformed = [fault for each in answers for fault in _faults(each.decision)]
    first = f"{len(malformed)} faults, the first: {malformed[0]}" if malformed else f"{len(answers)} decisions"
    p99, area = figures.get("p99_ms"), figures.get("auc")
    findings = (
        PromiseCheck("every row is decided once", len(answers) == rows, f"{len(answers)} of {rows}"),
        PromiseCheck("decisions are well formed", not malformed and bool(answers), first),
        PromiseCheck(
            "in time", p99 is not None and p99 <= limits.p99_ms, _comparison("p99", p99, f"ms of {limits.p99_ms:g}")
        ),
        PromiseCheck(
            "right about the loans",
            area is not None and area >= limits.min_auc,
            _comparison("AUC", area, f"of at least {limits.min_auc:g}"),
        ),
    )
    return Verification(rows=rows, findings=findings, figures=figures)


def _faults(decision: Mapping[str, Any]) -> Iterable[str]:
    """What is wrong with one decision, without an applicant's value."""
    name, margin = decision["application_id"], decision["margin"]
    if decision["outcome"] not in (Outcome.APPROVE, Outcome.REFER, Outcome.DECLINE):
        yield f"{name} has no outcome"
    if margin is None:
        if not decision["fault"]:
            yield f"{name} is neither scored nor at fault"
        return
    total = decision["base_value"] + sum(each["contribution"] for each in decision["contributions"])
    if abs(total - margin) > GAP:
        yield f"{name}: contributions do not add up to the margin"
    if decision["outcome"] != _outcome(decision):
        yield f"{name}: the outcome is not that of its probability and cut-offs"
    fewest, most = (0, 0) if decision["outcome"] == Outcome.APPROVE else (1, MOST_REASONS)
    if not fewest <= len(decision["reasons"]) <= most:
        yield f"{name} has {len(decision['reasons'])} reasons"


def _outcome(decision: Mapping[str, Any]) -> Outcome:
    probability = decision["probability"]
    if probability < decision["approve_below"]:
        return Outcome.APPROVE
    return Outcome.DECLINE if probability >= decision["decline_from"] else Outcome.REFER


def _times(answers: Sequence[Answer]) -> dict[str, float]:
    if not answers:
        return {}
    times = np.array([each.milliseconds for each in answers])
    return {"p50_ms": round(float(np.quantile(times, 0.5)), 1), "p99_ms": round(float(np.quantile(times, 0.99)), 1)}


def _quality(answers: Sequence[Answer]) -> dict[str, float]:
    """Over the rows that are scored and whose loan's end is known; nothing without both kinds of end."""
    known = [each for each in answers if each.defaulted is not None and each.decision["probability"] is not None]
    ends = np.array([bool(each.defaulted) for each in known], dtype=np.bool_)
    if len(set(ends.tolist())) < BOTH:
        return {}
    probability = np.array([each.decision["probability"] for each in known], dtype=np.float64)
    return {
        "with_outcome": float(len(known)),
        "auc": round(float(auc(ends, probability)), 4),
        "accuracy": round(float(np.mean((probability >= EVEN) == ends)), 4),
        "brier": round(float(brier(ends, probability)), 4),
    }


def _comparison(name: str, value: float | None, of: str) -> str:
    return f"{name} unknown: the rows do not say" if value is None else f"{name} {value:g} {of}"
