"""One field of an application: its attributes in the schema, beyond its type. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from schemas.avro_resolution.avro_types import AvroType
from schemas.avro_resolution.field_types import bare, is_category, is_nullable
from schemas.contract.protected_characteristics import OLD_AGE, ProtectedCharacteristic
from schemas.contract.reason_texts import ReasonText


class Role(StrEnum):
    ID = "id"
    EVENT_TIME = "event_time"
    FEATURE = "feature"
    """Scored."""
    PRICING = "pricing"
    """An output of the lender's, scored only if pricing is requested."""
    WATCHED = "watched"
    """Never scored; counted for fairness and drift."""
    IGNORED = "ignored"


class Unknown(StrEnum):
    """The treatment of an application whose category no level declares."""

    REFER = "refer"
    """It cannot be scored: a person decides."""
    SCORE = "score"
    """It is scored as belonging to none of the levels."""
    MISSING = "missing"
    """It is scored as one without a value, and is given the reasons of one."""


class Kind(StrEnum):
    """How a field's values are compared."""

    NUMBER = "number"
    CATEGORY = "category"
    OTHER = "other"


OBSERVED: Final = frozenset({Role.FEATURE, Role.PRICING, Role.WATCHED})
"""Roles whose values are read from every application."""


@dataclass(frozen=True, slots=True)
class Actionable:
    """How an applicant can change a field.

    A number moves by `step`, in units of the field, at most `steps` times in `direction` (-1 or 1) and never beyond
    `low` and `high`, which are inclusive; a category changes to one of `levels`.
    """

    direction: int = 0
    step: float = 0.0
    steps: int = 0
    low: float = float("-inf")
    high: float = float("inf")
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an application.

    `low` and `high` are inclusive. `levels` are a category's declared values, `unknown` what another
    value does, and one that a scorecard was not made for. `monotone` is the direction in which risk
    may move with the value: -1, 0 (free) or 1. `ratio_of` names a numerator and a denominator; a given
    value further than `tolerance` from their ratio is contradictory, an absent one is computed.
    `at_most` names a field that this one may not exceed.
    """

    name: str
    role: Role
    kind: Kind
    doc: str
    column: str
    nullable: bool = False
    missing: bool = False
    unit: str = ""
    low: float = float("-inf")
    high: float = float("inf")
    levels: tuple[str, ...] = ()
    unknown: Unknown = Unknown.REFER
    monotone: int = 0
    ratio_of: tuple[str, str] | None = None
    tolerance: float = float("inf")
    at_most: str | None = None
    reason: ReasonText | None = None
    """Given where none of `reasons` holds."""
    reasons: tuple[ReasonText, ...] = ()
    """Texts that state a fact, in the order in which they are tried."""
    protected: ProtectedCharacteristic = ProtectedCharacteristic.NONE
    """The characteristic that it reveals, see `schemas.contract.protected_characteristics`."""
    exempt: bool = False
    """True if the schema declares that it reveals none, whatever its name."""
    scored_as: tuple[tuple[str, str], ...] = ()
    """Levels that are scored as another, the other beside each."""
    groups: tuple[float, ...] = ()
    """Where a number's values are parted into groups to compare for fairness: each is the first value of a group. An
    age is parted at `OLD_AGE` unless the schema says otherwise."""
    reference: str | float = ""
    """Of a watched field, the group that its others are compared with: a level, or a number in it; empty for the most
    approved one."""
    metric: str = ""
    """The histogram in which the worker counts this field's values; empty for none."""
    title: str = ""
    """Its label on a form."""
    actionable: Actionable | None = None
    """None where the applicant cannot change it."""

    @property
    def texts(self) -> tuple[ReasonText, ...]:
        """All reasons that it can be given for; none where the schema gives none."""
        return () if self.reason is None else (*self.reasons, self.reason)

    @property
    def label(self) -> str:
        """The title, or the name as words where there is none."""
        return self.title or self.name.replace("_", " ").capitalize()


def field_of(spec: Mapping[str, Any], kind: AvroType, texts: Sequence[ReasonText]) -> Field:
    """The field that a parsed `spec` describes.

    Args:
        spec: of the schema's `fields`.
        texts: its reasons, the one without a choice last.

    Raises:
        KeyError, TypeError, ValueError: an attribute is absent or malformed.
    """
    low, high = spec.get("range", (float("-inf"), float("inf")))
    ratio = spec.get("ratio_of")
    return Field(
        name=spec["name"],
        role=Role(spec["role"]),
        kind=_kind(spec, kind),
        doc=spec["doc"],
        column=spec.get("column", spec["name"]),
        nullable=is_nullable(kind),
        missing=bool(spec.get("missing", False)),
        unit=spec.get("unit", ""),
        low=float(low),
        high=float(high),
        levels=tuple(spec.get("levels", bare(kind).symbols)),
        unknown=Unknown(spec.get("unknown", Unknown.REFER)),
        monotone=int(spec.get("monotone", 0)),
        ratio_of=(ratio[0], ratio[1]) if ratio else None,
        tolerance=float(spec.get("tolerance", "inf")),
        at_most=spec.get("at_most"),
        reason=texts[-1] if texts else None,
        reasons=tuple(texts[:-1]),
        protected=ProtectedCharacteristic(spec.get("protected", ProtectedCharacteristic.NONE)),
        exempt=spec.get("protected") == ProtectedCharacteristic.NONE,
        scored_as=tuple(spec.get("scored_as", {}).items()),
        groups=_groups(spec, kind),
        reference=spec.get("reference", ""),
        metric=spec.get("metric", ""),
        title=spec.get("title", ""),
        actionable=_actionable(spec["actionable"]) if "actionable" in spec else None,
    )


def _groups(spec: Mapping[str, Any], kind: AvroType) -> tuple[float, ...]:
    # Bands of age are levels, and compared as they are.
    aged = spec.get("protected") == ProtectedCharacteristic.AGE and _kind(spec, kind) is Kind.NUMBER
    usual = (OLD_AGE,) if aged else ()
    return tuple(float(start) for start in spec.get("groups", usual))


def _actionable(spec: Mapping[str, Any]) -> Actionable:
    return Actionable(**{**spec, "levels": tuple(spec.get("levels", ()))})


def _kind(spec: Mapping[str, Any], kind: AvroType) -> Kind:
    if Role(spec["role"]) not in OBSERVED:
        return Kind.OTHER
    return Kind.CATEGORY if is_category(spec["name"], kind) else Kind.NUMBER
