"""The meaning of the Avro type of a contract's field: number or category, its levels, and its conversion. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from schemas.avro_resolution.avro_types import AvroField, AvroType, avro_type
from schemas.avro_resolution.avro_values import NUMBERS
from schemas.codec.wire_format import IncompatibleSchemaError

NULL: Final = AvroType("null")
TEXT: Final = AvroType("string", least=1)
KEYS: Final[Mapping[str, tuple[str, str]]] = {"id": ("string", ""), "event_time": ("long", "timestamp-millis")}
"""Type and logical type of what every reader expects alike, by role."""
TEXTS: Final = frozenset({"string", "enum"})


def field_types(schema: Mapping[str, Any]) -> Mapping[str, AvroType]:
    """The type of each field, by name.

    Raises:
        ValueError: names the fields whose types applications cannot have.
    """
    try:
        types = {field.name: field.type for field in avro_type(schema).fields}
    except IncompatibleSchemaError as cause:
        named = ", ".join(spec["name"] for spec in schema["fields"] if not _is_allowed(spec["type"])) or "some"
        problem = f"fields {named}: a type is unknown, recursive, repeated, or a decimal of over 38 digits"
        raise ValueError(problem) from cause
    for spec in schema["fields"]:
        wanted, kind = KEYS.get(spec["role"]), types[spec["name"]]
        if wanted and (kind.kind, kind.logical) != wanted:
            problem = f"field {spec['name']} has role {spec['role']} and must be {' '.join(wanted).strip()}"
            raise ValueError(problem)
    return types


def bare(kind: AvroType) -> AvroType:
    """A nullable type without its null."""
    rest = [branch for branch in kind.inner if branch != NULL] if kind.kind == "union" else []
    return rest[0] if len(rest) == 1 else kind


def is_nullable(kind: AvroType) -> bool:
    return NULL in kind.inner


def is_category(name: str, kind: AvroType) -> bool:
    """Whether a field's values are words; they are numbers otherwise.

    Raises:
        ValueError: they are neither; names field and type.
    """
    one = bare(kind)
    if one.kind in TEXTS:
        return True
    if one.kind in NUMBERS or one.logical == "decimal":
        return False
    problem = f"field {name} is of type {one.kind}, which is neither a number nor a category"
    raise ValueError(problem)


def read_as(field: AvroField, *, text: bool) -> AvroField:
    """How an observed field is read from any writer: a null is a missing value, whatever the type says."""
    one = TEXT if text else bare(field.type)
    return replace(field, type=AvroType("union", inner=(NULL, one), least=1, types=3))


def _is_allowed(spec: Any) -> bool:
    try:
        avro_type(spec)
    except IncompatibleSchemaError:
        return False
    return True
