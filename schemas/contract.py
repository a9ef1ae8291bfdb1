"""The feature contract: what an application schema says about its fields, beyond their types.

An application's `.avsc` is the one place where a feature is described. Validation, encoding, drift
bins, forms, documents and reason codes are read from here. A product (a lender's set of columns)
is one such file: `load("credit_risk")` takes a packaged one, `load("/a/path.avsc")` your own.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, Self

from schemas import fingerprint as fingerprints
from schemas.errors import SetupError
from schemas.resolution.avro_types import AvroType
from schemas.resolution.field_types import bare, field_types, is_category, is_nullable

APPLICATION_SCHEMAS: Final = "*_application.avsc"


class ContractError(SetupError):
    """An application schema does not say what a contract must say."""


class Role(StrEnum):
    """What a field is for."""

    ID = "id"
    EVENT_TIME = "event_time"
    FEATURE = "feature"
    """Scored."""
    PRICING = "pricing"
    """An output of the lender's, scored only where pricing is asked for."""
    WATCHED = "watched"
    """Never scored; counted for fairness and drift."""
    IGNORED = "ignored"


class Unknown(StrEnum):
    """What becomes of an application whose category no level declares."""

    REFER = "refer"
    """It cannot be scored: a person decides."""
    SCORE = "score"
    """It is scored as belonging to none of the levels."""


class Kind(StrEnum):
    """How a field's values are compared."""

    NUMBER = "number"
    CATEGORY = "category"
    OTHER = "other"


OBSERVED: Final = frozenset({Role.FEATURE, Role.PRICING, Role.WATCHED})
"""Roles whose values are read from every application."""


@dataclass(frozen=True, slots=True)
class ReasonText:
    """An adverse-action reason: a stable code and the applicant's words for it."""

    code: str
    text: str


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
    value does. `monotone` is the
    direction in which risk may move with the value: -1, 0 (free) or 1. `ratio_of` names a
    numerator and a denominator; a given value further than `tolerance` from their ratio is
    contradictory, an absent one is computed. `at_most` names a field that this one may not exceed.
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
    metric: str = ""
    """The histogram in which the worker counts this field's values; empty for none."""
    title: str = ""
    """What people read on a form."""
    actionable: Actionable | None = None
    """None where the applicant cannot change it."""

    @property
    def label(self) -> str:
        """The title, or the name as words where there is none."""
        return self.title or self.name.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True)
class Label:
    """Where a table keeps what became of the loan, and the two words for it."""

    column: str
    default: str
    repaid: str


@dataclass(frozen=True)
class Contract:
    """One product's feature contract."""

    product: str
    topic_prefix: str
    label: Label
    fields: tuple[Field, ...]
    schema: Mapping[str, Any]
    """The Avro schema as parsed JSON, our attributes included."""

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> Self:
        """The contract that a parsed application schema carries.

        Raises:
            ContractError: an attribute is absent or contradicts another; names the field.
        """
        try:
            types = field_types(schema)
            contract = cls(
                product=schema["product"],
                topic_prefix=schema["topic_prefix"],
                label=Label(**schema["label"]),
                fields=tuple(_field(spec, types[spec["name"]]) for spec in schema["fields"]),
                schema=schema,
            )
        except (KeyError, TypeError, ValueError) as cause:
            name = schema.get("name", "the schema")
            problem = f"{name}: a contract attribute is absent or malformed: {cause}"
            raise ContractError(problem) from cause
        contract._refuse_contradictions()
        return contract

    @cached_property
    def id_field(self) -> str:
        """The name of the field that names the application."""
        return self._only(Role.ID).name

    @cached_property
    def time_field(self) -> str:
        """The name of the field that carries event time."""
        return self._only(Role.EVENT_TIME).name

    @cached_property
    def observed(self) -> tuple[Field, ...]:
        """Fields whose values are read, in schema order: the columns of `Applications.values`."""
        return tuple(field for field in self.fields if field.role in OBSERVED)

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Column of each observed field in `Applications.values`."""
        return {field.name: place for place, field in enumerate(self.observed)}

    def field(self, name: str) -> Field:
        """The observed field of a name. Raises KeyError: there is none."""
        return self.observed[self.position[name]]

    def scored(self, *, with_pricing: bool = False) -> tuple[Field, ...]:
        """Fields that a scorecard may use, in schema order."""
        roles = {Role.FEATURE, Role.PRICING} if with_pricing else {Role.FEATURE}
        return tuple(field for field in self.fields if field.role in roles)

    @cached_property
    def field_digests(self) -> fingerprints.FieldDigests:
        """Of each field, over what changes an answer."""
        return fingerprints.field_digests(self.schema)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over what changes an answer, hexadecimal: a scorecard names the one that it was made for."""
        return fingerprints.fingerprint(self.field_digests)

    def serves(self, fingerprint: str, digests: Iterable[Sequence[str]] = ()) -> bool:
        """Whether a scorecard answers applications of this contract as those that it was made for.

        Args:
            fingerprint: of the contract that it was made for.
            digests: of that contract's fields; this one may have others besides.
        """
        known = fingerprints.FORMER.get(fingerprint, fingerprint)
        same = known == self.fingerprint or fingerprint == fingerprints.text_digest(self.schema)
        return same or fingerprints.extends(self.field_digests, digests)

    def _only(self, role: Role) -> Field:
        found = [field for field in self.fields if field.role is role]
        if len(found) != 1:
            problem = f"{self.product}: {len(found)} fields have role {role.value}, exactly one must"
            raise ContractError(problem)
        return found[0]

    def _refuse_contradictions(self) -> None:
        self._only(Role.ID)
        self._only(Role.EVENT_TIME)
        for field in self.observed:
            _refuse_field(field, self.position)


def load(product: str) -> Contract:
    """The contract of a packaged product by its name, or of a `.avsc` file by its path.

    Raises:
        ContractError: there is no such product or file; names those there are.
    """
    if product.endswith(".avsc"):
        return Contract.of(_read(Path(product)))
    packaged = _products()
    if product not in packaged:
        problem = f"no product {product!r}; packaged are {', '.join(sorted(packaged))}, or give a path to an .avsc"
        raise ContractError(problem)
    return packaged[product]


@lru_cache(maxsize=1)
def _products() -> Mapping[str, Contract]:
    folder = Path(str(resources.files("schemas") / "avro"))
    contracts = (Contract.of(_read(path)) for path in sorted(folder.glob(APPLICATION_SCHEMAS)))
    return {contract.product: contract for contract in contracts}


def _read(path: Path) -> Mapping[str, Any]:
    try:
        parsed: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        problem = f"{path}: cannot be read as an Avro schema: {cause}"
        raise ContractError(problem) from cause
    return parsed


def _field(spec: Mapping[str, Any], kind: AvroType) -> Field:
    low, high = spec.get("range", (float("-inf"), float("inf")))
    reason = spec.get("reason")
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
        reason=ReasonText(**reason) if reason else None,
        metric=spec.get("metric", ""),
        title=spec.get("title", ""),
        actionable=_actionable(spec["actionable"]) if "actionable" in spec else None,
    )


def _actionable(spec: Mapping[str, Any]) -> Actionable:
    return Actionable(**{**spec, "levels": tuple(spec.get("levels", ()))})


def _kind(spec: Mapping[str, Any], kind: AvroType) -> Kind:
    if Role(spec["role"]) not in OBSERVED:
        return Kind.OTHER
    return Kind.CATEGORY if is_category(spec["name"], kind) else Kind.NUMBER


def _refuse_field(field: Field, known: Mapping[str, int]) -> None:
    problem = ""
    if field.kind is Kind.CATEGORY and not field.levels:
        problem = "is a category without levels"
    elif field.kind is Kind.NUMBER and field.unknown is not Unknown.REFER:
        problem = "says what an unknown level does, and is a number"
    elif field.low > field.high:
        problem = "has a range that ends before it begins"
    elif field.missing and not field.nullable:
        problem = "may be missing, but its type has no null"
    elif any(name not in known for name in (*(field.ratio_of or ()), *filter(None, [field.at_most]))):
        problem = "refers to a field that there is not"
    elif field.actionable is not None:
        problem = _actionable_problem(field, field.actionable)
    if problem:
        message = f"field {field.name} {problem}"
        raise ContractError(message)


def _actionable_problem(field: Field, change: Actionable) -> str:
    """What is wrong with it; empty for nothing."""
    if field.ratio_of is not None:
        return "is a ratio and cannot be actionable: its parts can"
    if field.kind is Kind.CATEGORY:
        return "" if change.levels and set(change.levels) <= set(field.levels) else "is actionable to no declared level"
    moves = change.direction in (-1, 1) and change.step > 0 and change.steps > 0 and not change.levels
    return "" if moves else "is actionable without a direction of -1 or 1, a positive step and a number of steps"
