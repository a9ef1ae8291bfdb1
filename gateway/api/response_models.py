"""The gateway's answers: decisions as JSON data, and the models that the OpenAPI document shows.

Pure. The models serve the OpenAPI document only: `decision_answer` builds the same keys; a test compares them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.contract.contract import Contract
from schemas.events.decisions import Outcome

LOAN_STATUS: Final[Mapping[str, int]] = {Outcome.APPROVE: 0, Outcome.DECLINE: 1}
RAISES: Final = "raises the risk"
LOWERS: Final = "lowers the risk"
NEITHER: Final = "changes nothing"


class ContributionAnswer(BaseModel):
    """Contribution of one feature to the margin."""

    feature: str
    label: str = Field(description="The contract's title of the field.")
    value: float | str | None = Field(description="The value scored; null where missing or undeclared.")
    contribution: float = Field(description="Exact Shapley value, in the contribution space.")
    effect: Literal["raises the risk", "lowers the risk", "changes nothing"]


class ReasonAnswer(BaseModel):
    """An adverse-action reason."""

    code: str
    text: str
    features: list[str]


class FlagAnswer(BaseModel):
    """One oddity of one value."""

    feature: str
    kind: Literal["UNKNOWN", "MISSING", "UNSEEN", "INVALID"]


class ScorecardAnswer(BaseModel):
    """The scorecard that answered."""

    name: str
    version: str
    digest: str
    family: str


class PolicyAnswer(BaseModel):
    """The cut-offs applied to the probability of default."""

    version: str
    approve_below: float
    decline_from: float


class SourceAnswer(BaseModel):
    """Coordinates of the application."""

    topic: str
    partition: int
    offset: int


class AssessmentAnswer(BaseModel):
    """A scorecard's answer to one set of values."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    outcome: Literal["APPROVE", "REFER", "DECLINE"] = Field(description="REFER: a person decides.")
    probability_of_default: float | None = Field(description="Calibrated, 0 to 1; null where not scored.")
    approved: bool = Field(description="True if the outcome is APPROVE. For users of earlier APIs.")
    loan_status: Literal[0, 1] | None = Field(
        description="The class of earlier APIs: 1 expects a default (DECLINE), 0 none (APPROVE), null for REFER."
    )
    margin: float | None = Field(description="The forest's sum before calibration: base_value and all contributions.")
    base_value: float | None = Field(description="The mean margin, before any feature is looked at.")
    contribution_space: Literal["UNKNOWN", "LOG_ODDS", "PROBABILITY", "NONE"] = Field(
        description="The unit of margin, base value and contributions, log-odds or probability of default: "
        "positive raises the risk."
    )
    contributions: list[ContributionAnswer] = Field(description="By size, the largest first.")
    reasons: list[ReasonAnswer] = Field(description="At most four; none where approved.")
    flags: list[FlagAnswer]
    fault: str | None = Field(description="Why the application was referred without a score; null where scored.")
    scorecard: ScorecardAnswer
    policy: PolicyAnswer


class DecisionAnswer(AssessmentAnswer):
    """The decision that the scoring worker published."""

    application_id: str
    decision_id: str
    applied_at: datetime
    source: SourceAnswer


def decision_answer(decision: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    """A decoded `LoanDecision` as JSON data, see `DecisionAnswer`."""
    return {
        "application_id": decision["application_id"],
        "decision_id": decision["decision_id"],
        "applied_at": decision["applied_at"].isoformat(timespec="milliseconds"),
        **assessment_answer(decision, contract),
        "source": {key: decision[f"source_{key}"] for key in ("topic", "partition", "offset")},
    }


def assessment_answer(decision: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    """The parts of a decoded `LoanDecision` about its values alone, see `AssessmentAnswer`."""
    return {
        **verdict(decision["outcome"], decision["probability"]),
        "margin": decision["margin"],
        "base_value": decision["base_value"],
        "contribution_space": decision["contribution_space"],
        "contributions": contributions(decision["contributions"], contract),
        "reasons": decision["reasons"],
        "flags": decision["flags"],
        "fault": decision["fault"],
        "scorecard": {key: decision[f"scorecard_{key}"] for key in ("name", "version", "digest", "family")},
        "policy": {
            "version": decision["policy_version"],
            "approve_below": decision["approve_below"],
            "decline_from": decision["decline_from"],
        },
    }


def verdict(outcome: str, probability: float | None) -> dict[str, Any]:
    """The outcome in the words of this API and of earlier ones."""
    return {
        "outcome": outcome,
        "probability_of_default": probability,
        "approved": outcome == Outcome.APPROVE,
        "loan_status": LOAN_STATUS.get(outcome),
    }


def contributions(given: Sequence[Mapping[str, Any]], contract: Contract) -> list[dict[str, Any]]:
    """Contributions by size, ties in schema order, with the contract's labels."""
    labels = {field.name: field.label for field in contract.observed}
    ordered = sorted(given, key=lambda each: -abs(each["contribution"]))
    return [
        {
            "feature": each["feature"],
            "label": labels.get(each["feature"], each["feature"]),
            "value": each["value"],
            "contribution": each["contribution"],
            "effect": _effect(each["contribution"]),
        }
        for each in ordered
    ]


def _effect(contribution: float) -> str:
    if contribution == 0.0:
        return NEITHER
    return RAISES if contribution > 0.0 else LOWERS
