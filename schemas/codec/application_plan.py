"""The plan to read one writer's applications: in bulk if they are flat, and record by record in any case.

Both ways follow from one resolution, so they accept the same writers, names, units and defaults. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from schemas.applications import from_records
from schemas.avro_resolution.avro_cursor import Cursor
from schemas.avro_resolution.avro_reader import default_of, match_field, resolver
from schemas.avro_resolution.avro_types import AvroField, AvroType, avro_type
from schemas.avro_resolution.avro_values import Read
from schemas.avro_resolution.field_types import read_as
from schemas.avro_resolution.writer_schemas import record_type
from schemas.codec.bulk_program import Program, program_of
from schemas.codec.wire_format import IncompatibleSchemaError, UndecodableError
from schemas.contract.contract import Contract, Kind
from schemas.contract.fields import OBSERVED
from schemas.errors import RecordError
from schemas.timestamps import EPOCH


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """The two readers of one writer."""

    program: Program | None
    """None where every record must be read by itself."""
    read: Read

    def record(self, body: bytes) -> Mapping[str, Any]:
        """The fields that are read, by name; None for what is missing.

        Raises:
            UndecodableError: the bytes are no record of this writer's.
        """
        cursor = Cursor(body)
        try:
            record: Mapping[str, Any] = self.read(cursor)
        except RecordError:
            raise
        except Exception as cause:
            # Whatever a stranger's schema leads to is this record's fault.
            raise UndecodableError from cause
        if not cursor.ended:
            raise UndecodableError
        return record


def plan_of(contract: Contract, writer: Any) -> ReadPlan:
    """How to read what a writer wrote.

    Args:
        writer: a value of `schemas.avro_resolution.writer_schemas.Writers`.

    Raises:
        RecordError: nothing of it can be read as an application.
    """
    try:
        theirs, ours = record_type(writer), reader_type(contract)
        read = resolver(theirs, ours)
        return ReadPlan(program_of(contract, theirs, ours, _defaults(contract, theirs, ours)), read)
    except RecordError:
        raise
    except Exception as cause:
        raise IncompatibleSchemaError from cause


def reader_type(contract: Contract) -> AvroType:
    """The fields of an application that are read: its id, event time, and whatever is observed."""
    fields = zip(contract.fields, avro_type(contract.schema).fields, strict=True)
    read = tuple(
        read_as(field, text=spec.kind is Kind.CATEGORY) if spec.role in OBSERVED else field
        for spec, field in fields
        if spec.role in OBSERVED or spec.name in (contract.id_field, contract.time_field)
    )
    return AvroType("record", fields=read, types=1 + len(read))


def _defaults(contract: Contract, writer: AvroType, reader: AvroType) -> Any:
    """Values of what the writer does not have, shape (observed,); no ratio is computed yet."""
    absent = {field.name: default_of(field) for field in reader.fields if _is_absent(writer, field)}
    if not absent:
        return np.full(len(contract.observed), np.nan)
    nothing = dict.fromkeys(field.name for field in contract.observed)
    given = {contract.id_field: "", contract.time_field: EPOCH}
    return from_records(contract, [{**nothing, **given, **absent}]).values[0]


def _is_absent(writer: AvroType, field: AvroField) -> bool:
    return match_field(writer.fields, field) is None
