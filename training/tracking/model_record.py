"""The records that supervisors ask for beside a model's figures: data, method, assumptions, limits, stability, duties.

Pure. The headings follow the guidance on model risk management of the Federal Reserve and the OCC (SR 11-7, 2011):
documentation so detailed that a party who does not know the model understands its operation, limits and assumptions.
"""

import math
import platform
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import metadata
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from schemas.release import code_version
from schemas.tables.times import NO_TIME
from training.evaluation.stability import Month, by_month
from training.promotion.gate import Promotion, Terms
from training.rows.labelled_rows import CleanRows
from training.rows.split_parts import SplitPart
from training.tracking.vintage_table import vintage_section, vintage_table

if TYPE_CHECKING:  # what makes a candidate keeps a journal; a record does not
    from training.pipeline.pipeline import TrainedCandidate

LIBRARIES: Final = ("numpy", "scikit-learn", "hyperopt")
"""Whose versions may change a scorecard, beside that of its family."""
ASSUMPTIONS: Final = (
    "Applicants to come are like those of the reference population; the drift agent watches it.",
    "A label is what became of the loan, not what was decided.",
    "The loans' terms, their servicing and the economy stay as they were when the rows were collected.",
    "The costs of a default and of a review are the lender's own.",
)
LIMITS: Final = (
    "Applicants outside the ranges and levels of the application schema are not scored; a person decides.",
    "Contributions explain the scorecard, and say nothing of what causes a default.",
    "Intervals are those of chance in the judgement rows, not of a change in the world.",
)
JUDGED: Final = "the forest that was judged"
REFIT: Final = "the same choice, fitted once more to all rows after its judgement; the figures are of the forest before"
DUTIES: Final = (
    ("each window", "drift of fields and score (PSI), approval rate, missing and invalid values", "drift agent"),
    ("each day", "AUC, calibration, default rate by vintage, once loans are mature", "drift agent"),
    ("each retraining", "the same rows as a challenger, margins of AUC, Brier and cost", "trainer"),
    ("before expiry", "this record again, by somebody who did not make the scorecard", "validator"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    """What a training knows beside its candidate."""

    cleaned: CleanRows
    terms: Terms
    trained_at: datetime
    """UTC."""
    valid_days: int
    """After that the scorecard must be validated anew."""

    @property
    def expires(self) -> datetime:
        """The last day of its validation."""
        return self.trained_at + timedelta(days=self.valid_days)


def sections(made: "TrainedCandidate", record: TrainingRecord) -> tuple[str, ...]:
    """The record's parts, each in Markdown."""
    return (
        _data(made, record.cleaned),
        _method(made, record),
        _bullets("Assumptions", (*ASSUMPTIONS, _selection(made.plan.exploration_share))),
        _bullets("Limits", (*LIMITS, *record.cleaned.notes)),
        vintage_section(vintage_table(made.material.rows)),
        _stability(_months(made)),
        _monitoring_plan(),
        _sign_off(record),
    )


def _selection(share: float) -> str:
    if share >= 1.0:
        return "The outcomes of all applicants are known, of those who would be declined, too."
    if share > 0.0:
        return f"A share of {share} of refused applicants got a loan at random, and stands for all of them."
    return "Of applicants who were declined nothing is known."


def _data(made: "TrainedCandidate", cleaned: CleanRows) -> str:
    rows = made.material.rows
    excluded = ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in cleaned.left_out.items()) or "none"
    return (
        "## Data\n\n"
        f"- source: {cleaned.source}\n"
        f"- period: {_period(rows.applied_at)}\n"
        f"- rows: {cleaned.read} read, {len(rows)} used, {int(rows.recent.sum())} of these from the topics\n"
        f"- excluded: {excluded}\n"
        f"- default rate: {rows.defaulted.mean():.4f}\n"
        f"- bad: {_bad(made)}"
    )


def _period(applied_at: npt.NDArray[np.int64]) -> str:
    known = applied_at[applied_at != NO_TIME]
    if len(known) == 0:
        return "unknown; the rows have no times"
    first, last = (
        str(np.datetime64(int(moment), "ms").astype("datetime64[D]")) for moment in (known.min(), known.max())
    )
    return f"{first} to {last}" + ("" if len(known) == len(applied_at) else f", of {len(known)} rows that have a time")


def _bad(made: "TrainedCandidate") -> str:
    label = made.material.contract.label
    within = f" within {label.outcome_after_days} days" if label.outcome_after_days else ""
    return f"`{label.column}` is {label.default}{within}; good is {label.repaid}"


def _method(made: "TrainedCandidate", record: TrainingRecord) -> str:
    plan, terms = made.plan, record.terms
    return (
        "## Method\n\n"
        f"- search: {len(made.found.trials)} trials over {plan.budget.folds} folds, seed {plan.seed}\n"
        f"- costs, in lost good loans: a default {plan.costs.default}, a review {plan.costs.review}\n"
        f"- floors, for the lower end of the interval: AUC {terms.floor_auc}, F1 {terms.floor_f1}\n"
        f"- served: {JUDGED if made.judged is made.scorecard else REFIT}\n"
        f"- proof: {_proof(made)}\n"
        f"- versions: {', '.join(_versions(made.fitted.family.library))}"
    )


def _proof(made: "TrainedCandidate") -> str:
    kept = made.material.kept
    if kept is not None:
        return f"the forest is that of version {kept.version}, as it was proven when it was made"
    return f"the compiled forest answers as the library to {made.parity.margin_error:.1e}"


def _versions(library: str) -> Iterator[str]:
    yield f"loan-decisions {code_version()}"
    yield f"Python {platform.python_version()}"
    for name in dict.fromkeys((library, *LIBRARIES)):
        # The library of a forest that is kept need not be here.
        with suppress(metadata.PackageNotFoundError):
            yield f"{name} {metadata.version(name)}"


def _bullets(title: str, sentences: tuple[str, ...]) -> str:
    return f"## {title}\n\n" + "\n".join(f"- {sentence}" for sentence in sentences)


def _months(made: "TrainedCandidate") -> tuple[Month, ...]:
    unfitted = made.material.rows.take(made.split.parts > SplitPart.SEARCH)
    return by_month(unfitted, made.judged.score(unfitted.values).probability)


def _stability(months: tuple[Month, ...]) -> str:
    if not months:
        return "## Stability by month\n\nNot known: the rows have no times."
    lines = [
        "## Stability by month",
        "",
        "Rows that the forest was not fitted to.",
        "",
        "| month | rows | observed | stated | AUC | PSI of the score |",
    ]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for month in months:
        figure = "" if math.isnan(month.auc) else f"{month.auc:.3f}"
        lines.append(
            f"| {month.name} | {month.rows} | {month.defaulted:.3f} | {month.stated:.3f} | {figure} | {month.psi:.3f} |"
        )
    return "\n".join(lines)


def _monitoring_plan() -> str:
    lines = ["## Monitoring plan", "", "| when | what | who |", "| --- | --- | --- |"]
    return "\n".join((*lines, *(f"| {when} | {what} | {who} |" for when, what, who in DUTIES)))


def _sign_off(record: TrainingRecord) -> str:
    by_person = (
        "one person proposes it and another approves it" if record.terms.approvals > 1 else "a person promotes it"
    )
    automatic = record.terms.promotion is Promotion.AUTOMATIC and record.terms.approvals == 1
    steps = "the gate promotes it, or a person does" if automatic else by_person
    return (
        "## Sign-off and expiry\n\n"
        f"Made on {record.trained_at:%Y-%m-%d}. To be validated anew by {record.expires:%Y-%m-%d}.\n\n"
        f"Here {steps}; who it was stands in the audit log (`loanctl audit log`)."
    )
