"""The request model of an application, generated from the product's contract.

Pure: the contract's Avro types, ranges and levels become a pydantic model in strict mode, whose JSON
schema is the OpenAPI document's. Rules that span fields (contradictions) are `schemas.applications.faults`, the
worker's own.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, create_model

from gateway.problems import FieldError
from schemas.applications import Fault, faults, from_records
from schemas.codec.bulk_decoder import MOST_ID_BYTES
from schemas.contract import contract as contracts
from schemas.contract.contract import Contract

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
INT_BITS: Final = {"int": 31, "long": 63}
CONFIG: Final = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True, hide_input_in_errors=True)

FAULT_TEXTS: Final[Mapping[Fault, str]] = {
    Fault.MISSING: "the field is required",
    Fault.NOT_FINITE: "the value must be a finite number",
    Fault.OUT_OF_RANGE: "the value is out of the contract's range",
    Fault.CONTRADICTORY: "the value contradicts another field",
}


def application_model(contract: Contract) -> type[BaseModel]:
    """The model of one application; its id and event time may be left to the gateway."""
    specs = {spec["name"]: spec for spec in contract.schema["fields"]}
    fields: dict[str, Any] = {
        contract.id_field: (_identity(), Field(default=None, description=_id_text(specs[contract.id_field]["doc"]))),
        contract.time_field: (
            AwareDatetime | None,
            Field(default=None, description=f"{specs[contract.time_field]['doc']} Now where it is not given."),
        ),
    }
    for each in contract.observed:
        fields[each.name] = _annotation(each, specs[each.name])
    name = str(contract.schema["name"])
    return create_model(name, __config__=CONFIG, __doc__=str(contract.schema.get("doc", name)), **fields)


def record_of(contract: Contract, model: BaseModel, application_id: str, applied_at: datetime) -> dict[str, Any]:
    given = {name: getattr(model, name) for name in type(model).model_fields}
    given[contract.id_field] = application_id
    given[contract.time_field] = given[contract.time_field] or applied_at
    return given


def contradictions(contract: Contract, records: Sequence[Mapping[str, Any]], at: str = "") -> list[FieldError]:
    """Faults for which the worker would refer instead of score: the first one of each record.

    Args:
        at: pointer format of a record by its index, for example `/applications/{}`.
    """
    if all(map(contract.screen().passes, records)):
        return []
    found = faults(contract, from_records(contract, records).values)
    errors = []
    for place, (code, column) in enumerate(zip(found.codes, found.columns, strict=True)):
        if code != Fault.NONE:
            fault, name = Fault(code), contract.observed[column].name
            errors.append(FieldError(f"{at.format(place)}/{name}", fault.reason, FAULT_TEXTS[fault]))
    return errors


def _identity() -> Any:
    return Annotated[str, StringConstraints(min_length=1), AfterValidator(_bounded_id)] | None


def _bounded_id(name: str) -> str:
    if len(name.encode("utf-8", "surrogatepass")) > MOST_ID_BYTES or not name.isprintable():
        message = f"an id has at most {MOST_ID_BYTES} bytes of UTF-8, all printable"
        raise ValueError(message)
    return name


def _id_text(doc: str) -> str:
    return f"{doc} Assigned where it is not given. The same id with the same body has the same answer."


def _annotation(field: contracts.Field, spec: Mapping[str, Any]) -> tuple[Any, Any]:
    branches = spec["type"] if isinstance(spec["type"], list) else [spec["type"]]
    [avro] = [branch for branch in branches if branch != "null"]
    kind = _type_of(field, avro)
    about: dict[str, Any] = {
        "title": field.label,
        "description": f"{field.doc} Unit: {field.unit}." if field.unit else field.doc,
    }
    return (kind | None, Field(default=None, **about)) if field.nullable else (kind, Field(**about))


def _type_of(field: contracts.Field, avro: Any) -> Any:
    if field.levels:
        return Literal[field.levels]
    bounds: dict[str, Any] = {
        name: bound for name, bound in (("ge", field.low), ("le", field.high)) if math.isfinite(bound)
    }
    if isinstance(avro, Mapping) and avro.get("logicalType") == "decimal":
        exact: dict[str, Any] = {name: Decimal(repr(bound)) for name, bound in bounds.items()}
        digits = {"max_digits": avro["precision"], "decimal_places": avro["scale"]}
        return Annotated[Decimal, Field(**digits, **exact)]
    if avro in INT_BITS:
        widest = 2 ** INT_BITS[avro]
        whole = {"ge": -widest, "le": widest - 1, **{name: math.trunc(bound) for name, bound in bounds.items()}}
        return Annotated[int, Field(**whole)]
    return Annotated[float, Field(**bounds)]
