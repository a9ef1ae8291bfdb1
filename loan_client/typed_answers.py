"""The gateway's answers as frozen values. Fields of a later release that are unknown here are ignored. Pure."""

import types
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from loan_client.client_errors import MalformedAnswerError

Answer = TypeVar("Answer")
Verdict = Literal["APPROVE", "REFER", "DECLINE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureContribution:
    """Contribution of one feature to the margin; positive raises the risk."""

    feature: str
    label: str
    value: float | str | None
    contribution: float
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdverseReason:
    """An adverse-action reason: a stable code, and the text for the applicant."""

    code: str
    text: str
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueFlag:
    """One oddity of one value: MISSING, UNSEEN or INVALID."""

    feature: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardIdentity:
    """The scorecard that answered."""

    name: str
    version: str
    digest: str
    family: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOffs:
    """The policy: APPROVE below one probability of default, DECLINE from the other on."""

    version: str
    approve_below: float
    decline_from: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """Coordinates of the application on its topic."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A scorecard's answer to one set of values. `base_value` and all contributions add up to `margin`."""

    outcome: Verdict
    probability_of_default: float | None
    approved: bool
    loan_status: int | None
    margin: float | None
    base_value: float | None
    contribution_space: str
    contributions: tuple[FeatureContribution, ...]
    reasons: tuple[AdverseReason, ...]
    flags: tuple[ValueFlag, ...]
    fault: str | None
    scorecard: ScorecardIdentity
    policy: CutOffs


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Assessment):
    """The decision that the scoring worker published."""

    application_id: str
    decision_id: str
    applied_at: datetime
    source: SourceRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothetical(Assessment):
    """The champion's answer to hypothetical values: no decision, and published nowhere."""

    published: bool
    notice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldStep:
    """One field, moved."""

    feature: str
    label: str
    unit: str
    before: float | str
    after: float | str
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SufficientChange:
    """Changes that are enough together."""

    changes: tuple[FieldStep, ...]
    outcome: Verdict
    probability_of_default: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SufficientChanges:
    """The smallest changes that would approve, best first; `complete` is False where the search ran out of time."""

    published: bool
    outcome: Verdict
    probability_of_default: float | None
    counterfactuals: tuple[SufficientChange, ...]
    complete: bool
    scored: int
    detail: str


def from_json(kind: type[Answer], data: Any) -> Answer:
    """The value of a dataclass from parsed JSON.

    Raises:
        MalformedAnswerError: a field is absent, or another shape was expected.
    """
    hints = get_type_hints(kind)
    try:
        given = {field.name: _value(hints[field.name], data[field.name]) for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    except (KeyError, TypeError, ValueError) as cause:
        problem = f"the answer is no {kind.__name__}"
        raise MalformedAnswerError(problem) from cause
    return kind(**given)


def _value(hint: Any, given: Any) -> Any:
    if hint is datetime:
        return datetime.fromisoformat(given)
    if is_dataclass(hint):
        return from_json(hint, given)  # type: ignore[arg-type]  # the class, not a value of it
    if get_origin(hint) is tuple:
        if not isinstance(given, list):
            raise TypeError
        return tuple(_value(get_args(hint)[0], each) for each in given)
    if not _fits(hint, given):
        raise TypeError
    return given


def _fits(hint: Any, given: Any) -> bool:
    """True for a value of a plain type, a choice of words, or a union of them; a whole number is a float, too."""
    if get_origin(hint) is Literal:
        return given in get_args(hint)
    kinds = get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if isinstance(given, bool):
        return bool in kinds
    return isinstance(given, kinds) or (isinstance(given, int) and float in kinds)
