"""Decodes events of every admitted writer schema. Pure.

Events of this project's schema, or of one that only lacks or adds fields, are decoded by fastavro, in C. It converts by
the writer's logical types and checks no bounds, so all others go through `schemas.avro_resolution.avro_reader`; both
give the same.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any

import fastavro

from schemas.avro_resolution.avro_cursor import Cursor
from schemas.avro_resolution.avro_reader import match_field, resolver
from schemas.avro_resolution.avro_types import AvroType, avro_type
from schemas.avro_resolution.avro_values import Read
from schemas.avro_resolution.writer_schemas import Writers, record_type, whole_json
from schemas.codec.wire_format import IncompatibleSchemaError, UndecodableError, UnknownSchemaError, unframe
from schemas.errors import RecordError

Decode = Callable[[bytes], Mapping[str, Any]]


class EventDecoder:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Parses the schema.

        Args:
            schema: of a record, as parsed JSON.
        """
        self.type = avro_type(schema, repeated=True)
        """What is read."""
        self._parsed: Any = fastavro.parse_schema(dict(schema))
        self._decoders: dict[int, tuple[Any, Decode]] = {}

    def decode(self, value: bytes | None, writers: Writers) -> Mapping[str, Any]:
        """The record that framed bytes hold; times are `datetime`, UTC.

        Args:
            value: in wire format.
            writers: of the id that it names.

        Raises:
            RecordError: it cannot be read, for whatever reason.
        """
        schema_id, body = unframe(value)
        try:
            return self._decoder(schema_id, writers.get(schema_id))(body)
        except RecordError:
            raise
        except Exception as cause:
            # fastavro raises whatever the bytes lead it to.
            raise UndecodableError from cause

    def _decoder(self, schema_id: int, writer: Any) -> Decode:
        if writer is None:
            raise UnknownSchemaError
        # A refusal is not kept: the registry may know better later.
        known, decode = self._decoders.get(schema_id, (None, None))
        if decode is None or known is not writer:
            decode = self._build(writer)
            self._decoders[schema_id] = (writer, decode)
        return decode

    def _build(self, writer: Any) -> Decode:
        theirs, plain = record_type(writer, repeated=True), whole_json(writer)
        read = resolver(theirs, self.type)
        if plain is not None and alike(theirs, self.type):
            return _by_fastavro(fastavro.parse_schema(dict(plain)), self._parsed)
        return _by_cursor(read)


def alike(writer: AvroType, reader: AvroType) -> bool:
    """Whether what both have is of the same types and names throughout, so that fastavro takes one for the other."""
    if any(getattr(writer, part) != getattr(reader, part) for part in ("kind", "logical", "name", "size")):
        return False
    if reader.kind == "record":
        pairs = [(field, match_field(writer.fields, field)) for field in reader.fields]
        return all(theirs is None or alike(theirs.type, field.type) for field, theirs in pairs)
    return len(writer.inner) == len(reader.inner) and all(map(alike, writer.inner, reader.inner))


def _by_fastavro(writer: Any, reader: Any) -> Decode:
    def decode(body: bytes) -> Mapping[str, Any]:
        stream = io.BytesIO(body)
        try:
            record: Any = fastavro.schemaless_reader(stream, writer, reader)
        except fastavro.read.SchemaResolutionError as cause:
            raise IncompatibleSchemaError from cause
        if stream.tell() != len(body):
            raise UndecodableError
        found: Mapping[str, Any] = record
        return found

    return decode


def _by_cursor(read: Read) -> Decode:
    def decode(body: bytes) -> Mapping[str, Any]:
        cursor = Cursor(body)
        found: Mapping[str, Any] = read(cursor)
        if not cursor.ended:
            raise UndecodableError
        return found

    return decode
