"""Confluent's wire format in bulk: framed Avro bytes to columns of applications, and events to framed bytes.

Pure: the registry is asked by the shell (`schemas.registered`), which hands over writer schemas by
id. The contract tests hold these bytes equal to those of confluent-kafka's own serializers.

Wire format: a zero byte, the schema id as four bytes big-endian, the Avro body.
"""

import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import fastavro
import numpy as np
import numpy.typing as npt

from schemas.applications import Applications, from_records
from schemas.contract import Contract
from schemas.faults import RecordError

MAGIC: Final = 0
HEADER: Final = struct.Struct(">bI")


class TombstoneError(RecordError):
    """The record has no value; an application cannot be taken back by a tombstone."""

    reason = "tombstone"


class NotFramedError(RecordError):
    """The bytes do not begin with the magic byte and a schema id."""

    reason = "not_framed"


class UnknownSchemaError(RecordError):
    """The registry has no schema of that id."""

    reason = "unknown_schema"


class IncompatibleSchemaError(RecordError):
    """The writer's schema cannot be read as an application: a required field is absent, say."""

    reason = "incompatible_schema"


class UndecodableError(RecordError):
    """The bytes are not an instance of the schema they claim."""

    reason = "undecodable"


class NamelessError(RecordError):
    """The application has an empty id, so no decision could be about it."""

    reason = "nameless"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record of a batch that cannot be read, by its place in the batch."""

    place: int
    error: RecordError


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a batch held: the readable applications, their places in it, and the rest."""

    applications: Applications
    places: npt.NDArray[np.int64]
    schema_ids: npt.NDArray[np.int64]
    """Of each readable application."""
    unreadable: Sequence[Unreadable]


def schema_ids(values: Sequence[bytes | None]) -> frozenset[int]:
    """The schema ids that framed values name; what is not framed names none."""
    framed = (value for value in values if value is not None and len(value) >= HEADER.size and value[0] == MAGIC)
    return frozenset(int.from_bytes(value[1:5], "big") for value in framed)


def framed(schema_id: int, schema: Mapping[str, Any], record: Mapping[str, Any]) -> bytes:
    """One record in wire format.

    Args:
        schema: parsed by fastavro.
    """
    out = io.BytesIO()
    out.write(HEADER.pack(MAGIC, schema_id))
    fastavro.schemaless_writer(out, schema, record)  # type: ignore[arg-type]  # fastavro wants dict
    return out.getvalue()


def unframed(value: bytes | None) -> tuple[int, bytes]:
    """Schema id and Avro body.

    Raises:
        TombstoneError: there is no value.
        NotFramedError: too short, or another magic byte.
    """
    if value is None:
        raise TombstoneError
    if len(value) < HEADER.size or value[0] != MAGIC:
        raise NotFramedError
    return int.from_bytes(value[1:5], "big"), value[HEADER.size :]


class ApplicationReader:
    """Reads applications of one contract, whatever compatible schema they were written with."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._reader = fastavro.parse_schema(dict(contract.schema))

    def read(self, values: Sequence[bytes | None], writers: Mapping[int, Mapping[str, Any] | None]) -> Decoded:
        """Every value of a batch, read or named unreadable; none is dropped.

        Args:
            writers: parsed writer schemas by id, None where the registry has none.
        """
        records: list[Mapping[str, Any]] = []
        places: list[int] = []
        ids: list[int] = []
        unreadable: list[Unreadable] = []
        for place, value in enumerate(values):
            try:
                schema_id, record = self._read_one(value, writers)
            except RecordError as error:
                unreadable.append(Unreadable(place, error))
            else:
                records.append(record)
                places.append(place)
                ids.append(schema_id)
        return Decoded(
            applications=from_records(self._contract, records),
            places=np.array(places, dtype=np.int64),
            schema_ids=np.array(ids, dtype=np.int64),
            unreadable=unreadable,
        )

    def _read_one(
        self, value: bytes | None, writers: Mapping[int, Mapping[str, Any] | None]
    ) -> tuple[int, Mapping[str, Any]]:
        schema_id, body = unframed(value)
        writer = writers.get(schema_id)
        if writer is None:
            raise UnknownSchemaError
        record = self._resolved(writer, body)
        if not record[self._contract.id_field]:
            raise NamelessError
        return schema_id, record

    def _resolved(self, writer: Mapping[str, Any], body: bytes) -> Mapping[str, Any]:
        stream = io.BytesIO(body)
        try:
            record = fastavro.schemaless_reader(stream, writer, self._reader)  # type: ignore[arg-type]
        except fastavro.read.SchemaResolutionError as cause:
            raise IncompatibleSchemaError from cause
        except Exception as cause:
            raise UndecodableError from cause
        if stream.tell() != len(body):
            raise UndecodableError
        return record  # type: ignore[return-value]  # a record schema gives a dict
