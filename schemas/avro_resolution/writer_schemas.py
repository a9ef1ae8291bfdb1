"""Known facts about a writer's schema. Pure: `schemas.registry_client` queries the registry."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.avro_resolution.avro_types import AvroType, avro_type
from schemas.codec.wire_format import IncompatibleSchemaError, UnknownSchemaError

Writers = Mapping[int, Any]
"""By schema id: the JSON of the schema, a `WriterSchema`, the class of the RecordError that refuses it, or None
where the registry has none."""


@dataclass(frozen=True, slots=True)
class WriterSchema:
    """A schema as parsed JSON, with those that it names under other subjects."""

    schema: Any
    references: tuple[Any, ...] = ()
    """Each after those that it names itself."""


def record_type(writer: Any, *, repeated: bool = False) -> AvroType:
    """The record that a writer writes.

    Args:
        writer: a value of `Writers`.
        repeated: whether arrays and maps may be read.

    Raises:
        RecordError: unknown, refused, no record, or nothing to read by (`schemas.avro_resolution.avro_types`).
    """
    if writer is None:
        raise UnknownSchemaError
    if isinstance(writer, type):
        raise writer
    whole = writer if isinstance(writer, WriterSchema) else WriterSchema(writer)
    found = avro_type(whole.schema, whole.references, repeated=repeated)
    if found.kind != "record":
        raise IncompatibleSchemaError
    return found


def whole_json(writer: Any) -> Mapping[str, Any] | None:
    """A record's schema as JSON; None where it is refused, or not whole without others."""
    plain = writer.schema if isinstance(writer, WriterSchema) and not writer.references else writer
    return plain if isinstance(plain, Mapping) else None
