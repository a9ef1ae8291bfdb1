"""Confluent's wire format: five bytes of schema id before each Avro value."""

import io
import struct
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import fastavro

from schemas.errors import RecordError

MAGIC: Final = 0
SEALED: Final = ord("S")
"""First byte of an encrypted application (`schemas.codec.sealed_records`)."""
HEADER: Final = struct.Struct(">bI")


class TombstoneError(RecordError):
    """The record has no value; an application cannot be taken back by a tombstone."""

    reason = "tombstone"


class NotFramedError(RecordError):
    """The bytes do not begin with the magic byte and a schema id."""

    reason = "not_framed"


class SealedError(RecordError):
    """The application is encrypted, and its key is erased, or was not given to this process."""

    reason = "sealed"


class UnknownSchemaError(RecordError):
    """The registry has no schema of that id."""

    reason = "unknown_schema"


class ForeignSchemaError(RecordError):
    """The registry has the schema, but not under the subject of the record's topic."""

    reason = "foreign_schema"


class IncompatibleSchemaError(RecordError):
    """The writer's schema cannot be used: for example, it lacks a required field, or is recursive or no record."""

    reason = "incompatible_schema"


class UndecodableError(RecordError):
    """The bytes are not an instance of the schema they claim."""

    reason = "undecodable"


class NamelessError(RecordError):
    """The application has an empty id, so no decision could be about it."""

    reason = "nameless"


class OversizedIdError(RecordError):
    """The application's id is longer than `flat.MOST_ID_BYTES`: its decision could be too large to publish."""

    reason = "oversized_id"


def schema_ids(values: Sequence[bytes | None]) -> frozenset[int]:
    """The schema ids that framed and sealed values name; what is neither names none."""
    headers = {value[:5] for value in values if value is not None}
    frame = (header for header in headers if len(header) == HEADER.size and header[0] in (MAGIC, SEALED))
    return frozenset(int.from_bytes(header[1:], "big") for header in frame)


def by_schema(values: Sequence[bytes | None]) -> Mapping[int, list[int]]:
    """Places of the framed values by the schema id that they name."""
    places: dict[bytes, list[int]] = defaultdict(list)
    for place, value in enumerate(values):
        if value is not None:
            places[value[:5]].append(place)
    return {
        int.from_bytes(header[1:], "big"): those
        for header, those in places.items()
        if len(header) == HEADER.size and header[0] == MAGIC
    }


def frame(schema_id: int, schema: Mapping[str, Any], record: Mapping[str, Any]) -> bytes:
    """One record in wire format.

    Args:
        schema: parsed by fastavro.
    """
    out = io.BytesIO()
    out.write(HEADER.pack(MAGIC, schema_id))
    fastavro.schemaless_writer(out, schema, record)  # type: ignore[arg-type]  # fastavro wants dict
    return out.getvalue()


def unframe(value: bytes | None) -> tuple[int, bytes]:
    """Schema id and Avro body.

    Raises:
        TombstoneError: there is no value.
        SealedError: the value is encrypted.
        NotFramedError: too short, or another magic byte.
    """
    if value is None:
        raise TombstoneError
    if value[:1] == SEALED.to_bytes():
        raise SealedError
    if len(value) < HEADER.size or value[0] != MAGIC:
        raise NotFramedError
    return int.from_bytes(value[1:5], "big"), value[HEADER.size :]
