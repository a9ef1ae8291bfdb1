"""Events as drift reads them: only the fields it needs, which is quicker than making values of all. Pure."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import fastavro

from schemas.errors import RecordError
from schemas.event_codec import avro_schema
from schemas.wire_format import UnknownSchemaError, unframe

MALFORMED: Final = (
    fastavro.read.SchemaResolutionError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    StopIteration,
)
"""What fastavro raises over bytes that are no decision; a foreign record there is left out."""

Writers = Mapping[int, Mapping[str, Any] | None]


class Projection:
    """Some fields of one event; the others are skipped over."""

    def __init__(self, event: type, fields: Sequence[str], lists: Mapping[str, Sequence[str]] | None = None) -> None:
        """Which fields.

        Args:
            event: of `schemas.event_codec`.
            fields: read as they are.
            lists: arrays of records, with the fields read of each item.
        """
        self._schema = _projected(avro_schema(event), fields, lists or {})

    def read(self, value: bytes | None, writers: Writers) -> Mapping[str, Any] | None:
        """The fields; None where the bytes are no such event."""
        try:
            schema_id, body = unframe(value)
            writer = writers.get(schema_id)
            if writer is None:
                raise UnknownSchemaError
            record: Mapping[str, Any] = fastavro.schemaless_reader(io.BytesIO(body), writer, self._schema)  # type: ignore[arg-type,assignment]
        except (RecordError, *MALFORMED):
            return None
        return record


def millis(value: Any) -> int:
    """A time as fastavro gives it, in milliseconds since 1970."""
    return value if isinstance(value, int) else round(value.timestamp() * 1000)


def _projected(schema: Mapping[str, Any], wanted: Sequence[str], lists: Mapping[str, Sequence[str]]) -> Any:
    fields = []
    for field in schema["fields"]:
        if field["name"] in wanted:
            fields.append(field)
        elif field["name"] in lists:
            items = field["type"]["items"]
            kept = [inner for inner in items["fields"] if inner["name"] in lists[field["name"]]]
            fields.append({**field, "type": {"type": "array", "items": {**items, "fields": kept}}})
    return fastavro.parse_schema({**schema, "fields": fields})
