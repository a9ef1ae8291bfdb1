"""The model card: purpose, figures, fairness and records of a scorecard, on a page.

Pure. Follows Mitchell et al., *Model cards for model reporting*, 2019.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from training.fairness.fairness_report import card_section
from training.promotion.gate import GateResult
from training.tracking import model_record
from training.tracking.model_record import TrainingRecord

if TYPE_CHECKING:  # what makes a candidate keeps a journal; a card does not
    from training.pipeline.pipeline import TrainedCandidate


def text(made: "TrainedCandidate", answer: GateResult, record: TrainingRecord) -> str:
    records = model_record.sections(made, record)
    fairness = card_section(made.fairness, record.terms.min_adverse_impact_ratio)
    parts = (_what(made), _rows(made), _figures(made), fairness, *records, _verdict(answer))
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


def _verdict(answer: GateResult) -> str:
    return f"## Verdict\n\n{answer.verdict.value}: {answer.why}"
