"""Reads selected fields of an event and skips the others: faster than decoding all.

Many events at once: `schemas.codec.bulk_projection`. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.avro_resolution.avro_types import AvroType
from schemas.avro_resolution.writer_schemas import Writers
from schemas.codec.event_codec import avro_schema
from schemas.codec.event_decoder import EventDecoder
from schemas.errors import RecordError
from schemas.timestamps import millis_of


class Projection:
    """Some fields of one event."""

    def __init__(self, event: type, fields: Sequence[str], lists: Mapping[str, Sequence[str]] | None = None) -> None:
        """Which fields.

        Args:
            lists: arrays of records, with the fields read of each item.
        """
        self._decoder = EventDecoder(_projection(avro_schema(event), fields, lists or {}))

    @property
    def type(self) -> AvroType:
        """The event with these fields alone."""
        return self._decoder.type

    def read(self, value: bytes | None, writers: Writers) -> Mapping[str, Any] | None:
        """The fields; None where the bytes are no such event."""
        try:
            return self._decoder.decode(value, writers)
        except RecordError:
            return None


def millis(value: Any) -> int:
    """A time as decoders give it, in milliseconds since 1970."""
    return value if isinstance(value, int) else millis_of(value)


def _projection(schema: Mapping[str, Any], wanted: Sequence[str], lists: Mapping[str, Sequence[str]]) -> Any:
    fields = []
    for field in schema["fields"]:
        if field["name"] in wanted:
            fields.append(field)
        elif field["name"] in lists:
            items = field["type"]["items"]
            kept = [inner for inner in items["fields"] if inner["name"] in lists[field["name"]]]
            fields.append({**field, "type": {"type": "array", "items": {**items, "fields": kept}}})
    return {**schema, "fields": fields}
