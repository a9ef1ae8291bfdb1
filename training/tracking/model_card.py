"""The model card: purpose, figures, segments and records of a scorecard, on a page.

Pure. Follows Mitchell et al., *Model cards for model reporting*, 2019.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import pandas as pd

from schemas.contract.contract import Role
from training.promotion.gate import GateResult
from training.tracking import model_record
from training.tracking.model_record import TrainingRecord

if TYPE_CHECKING:  # what makes a candidate keeps a journal; a card does not
    from training.pipeline.pipeline import TrainedCandidate

ALARM: Final = 0.8
"""Adverse impact ratio under which a segment is named."""


def text(made: "TrainedCandidate", segments: pd.DataFrame, answer: GateResult, record: TrainingRecord) -> str:
    """The card, in Markdown."""
    records = model_record.sections(made, record)
    parts = (_what(made), _rows(made), _figures(made), _fairness(segments), *records, _verdict(answer))
    return "\n\n".join(parts) + "\n"


def _what(made: "TrainedCandidate") -> str:
    card = made.scorecard
    policy = card.policy
    return (
        f"# {card.name}\n\n"
        f"Probability that a loan defaults, for deciding on applications of `{made.material.contract.product}`.\n\n"
        f"- digest: `{card.digest}`\n"
        f"- family: {card.family}, {made.fitted.trees} trees; margins in {card.space.value}\n"
        f"- features: {', '.join(card.features.names)}\n"
        f"- search: {made.found.why}\n- calibration: {made.calibrated.kind}\n"
        f"- cut-offs ({made.plan.rule.value}): approve below {policy.approve_below}, decline from "
        f"{policy.decline_from}, refer between; {made.cost_per_applicant:.4f} lost good loans per applicant\n"
        "- not for: applicants outside the ranges of the application schema; those are referred to a person"
    )


def _rows(made: "TrainedCandidate") -> str:
    sizes: Mapping[str, int] = made.split.sizes()
    listed = ", ".join(f"{name} {size}" for name, size in sizes.items() if size)
    return f"## Rows\n\nSplit {made.split.how}: {listed}."


def _figures(made: "TrainedCandidate") -> str:
    lines = ["## On the judgement rows", "", "| figure | value | 95 % interval |", "| --- | --- | --- |"]
    for name, value in made.judgement.figures.items():
        low, high = made.judgement.intervals[name]
        lines.append(f"| {name} | {value:.4f} | {low:.4f} to {high:.4f} |")
    lines.append(f"\nA logistic regression has AUC {made.logistic_auc:.4f} on them.")
    return "\n".join(lines)


def _fairness(segments: pd.DataFrame) -> str:
    watched = segments[segments["role"] == Role.WATCHED.value]
    lines = ["## Watched, never scored", "", "| field | segment | rows | observed | stated | approved | impact ratio |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for _, line in watched.iterrows():
        flag = " (!)" if line["adverse_impact_ratio"] < ALARM else ""
        lines.append(
            f"| {line['field']} | {line['segment']} | {line['rows']} | {line['observed']:.3f} | {line['stated']:.3f} "
            f"| {line['approval_rate']:.3f} | {line['adverse_impact_ratio']:.2f}{flag} |"
        )
    return "\n".join(lines) if len(watched) else "## Watched, never scored\n\nThe schema marks no field so."


def _verdict(answer: GateResult) -> str:
    return f"## Verdict\n\n{answer.verdict.value}: {answer.why}"
