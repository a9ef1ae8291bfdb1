"""The feature contract: what an application schema says about its fields, beyond their types.

An application's `.avsc` is the one place where a feature is described. Validation, encoding, drift
bins, forms, documents and reason codes are derived from it. A product (a lender's set of columns)
is one such file: `load("credit_risk")` loads a packaged one, `load("/a/path.avsc")` your own.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, Self

from schemas.avro_resolution.field_types import field_types
from schemas.contract import fingerprint as fingerprints
from schemas.contract.fault_screen import FaultScreen
from schemas.contract.field_rules import field_problem, reason_problem
from schemas.contract.fields import OBSERVED, field_of
from schemas.contract.fields import Actionable as Actionable
from schemas.contract.fields import Field as Field
from schemas.contract.fields import Kind as Kind
from schemas.contract.fields import Role as Role
from schemas.contract.fields import Unknown as Unknown
from schemas.contract.reason_texts import ReasonText as ReasonText
from schemas.contract.reason_texts import texts_of
from schemas.errors import SetupError

APPLICATION_SCHEMAS: Final = "*_application.avsc"
MOST_DAYS: Final = 3_650


class ContractError(SetupError):
    """An application schema lacks something that a contract requires."""


@dataclass(frozen=True, slots=True)
class Label:
    """A table's column of the loan outcome, and its two words."""

    column: str
    default: str
    repaid: str
    outcome_after_days: int = 0
    """The performance window: whether a loan defaulted is known when its application is so old; 0: whenever an outcome
    comes."""

    def __post_init__(self) -> None:
        """Refuse what is no number of days."""
        if isinstance(self.outcome_after_days, bool) or not 0 <= self.outcome_after_days <= MOST_DAYS:
            message = f"outcome_after_days must be from 0 to {MOST_DAYS}: {self.outcome_after_days!r}"
            raise ValueError(message)


@dataclass(frozen=True)
class Contract:
    """One product's feature contract."""

    product: str
    topic_prefix: str
    label: Label
    fields: tuple[Field, ...]
    schema: Mapping[str, Any]
    """The Avro schema as parsed JSON, including this project's attributes."""

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> Self:
        """The contract that a parsed application schema carries.

        Raises:
            ContractError: an attribute is absent or contradicts another; names the field.
        """
        try:
            types = field_types(schema)
            specs = {spec["name"]: spec for spec in schema["fields"]}
            contract = cls(
                product=schema["product"],
                topic_prefix=schema["topic_prefix"],
                label=Label(**schema["label"]),
                fields=tuple(field_of(spec, types[name], texts_of(specs, name)) for name, spec in specs.items()),
                schema=schema,
            )
        except (LookupError, TypeError, ValueError, AttributeError) as cause:
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

    def screen(self, *, with_pricing: bool = False) -> FaultScreen:
        """The quick check for faults, worked out once."""
        return self._screens[with_pricing]

    @cached_property
    def _screens(self) -> Mapping[bool, FaultScreen]:
        return {prices: FaultScreen.of(self.observed, self.scored(with_pricing=prices)) for prices in (False, True)}

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
            digests: of that contract's fields; this one may have other fields and further levels besides.
        """
        known = fingerprints.FORMER.get(fingerprint, fingerprint)
        same = known == self.fingerprint or fingerprint == fingerprints.text_digest(self.schema)
        return same or fingerprints.extends(self.schema, digests)

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
            problem = field_problem(field, self.position)
            if problem:
                message = f"field {field.name} {problem}"
                raise ContractError(message)
        scored = {field.name: field for field in self.scored(with_pricing=True)}
        problem = reason_problem([field for field in self.observed if field.reason], scored)
        if problem:
            raise ContractError(problem)


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
