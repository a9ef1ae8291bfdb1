"""Selected fields of events as columns: one numba pass over a batch where the writer's schema is this project's own.

What is left over (another schema's, damaged, a text beyond ASCII) is read one by one by `schemas.codec.projection`,
which judges; the two cannot disagree. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.avro_resolution.avro_types import AvroType, avro_type
from schemas.avro_resolution.field_types import bare
from schemas.avro_resolution.writer_schemas import Writers, record_type, whole_json
from schemas.codec.bulk_decoder import concatenate, texts_at
from schemas.codec.event_codec import avro_schema
from schemas.codec.event_decoder import alike
from schemas.codec.projection import Projection, millis
from schemas.codec.projection_kernel import project
from schemas.codec.projection_program import TIME, FieldProgram, field_program
from schemas.codec.wire_format import by_schema
from schemas.errors import RecordError

Integers = npt.NDArray[np.int64]
NULL: Final = -1


@dataclass(frozen=True, slots=True)
class EventColumns:
    """Fields of n events; where `readable` is false they mean nothing."""

    readable: npt.NDArray[np.bool_]
    wholes: Mapping[str, Integers]
    """Of each field of numbers without a fraction, of times (milliseconds since 1970), of truths (0, 1) and of
    symbols (their place in the schema)."""
    reals: Mapping[str, npt.NDArray[np.float64]]
    """Of each field of doubles; NaN for null."""
    texts: Mapping[str, list[str]]
    """Of each field of text; empty for null."""


class BulkProjection:
    """Some fields of one event, of plain types, or of null and one."""

    def __init__(self, event: type, fields: Sequence[str]) -> None:
        """Which fields, by name."""
        self._projection = Projection(event, fields)
        kinds = {field.name: field.type for field in avro_type(avro_schema(event), repeated=True).fields}
        self._types = {name: kinds[name] for name in fields}
        self._columns = {name: column for column, name in enumerate(fields)}
        self._programs: dict[int, tuple[Any, FieldProgram | None]] = {}

    def read(self, values: Sequence[bytes | None], writers: Writers) -> EventColumns:
        """The fields of each value.

        Args:
            values: as they lie on a topic.
            writers: of the ids that they name (`schemas.codec.wire_format.schema_ids`).
        """
        joined, starts = concatenate([value or b"" for value in values])
        numbers = np.zeros((len(values), len(self._columns)), dtype=np.int64)
        ends, done = np.zeros_like(numbers), np.zeros(len(values), dtype=np.bool_)
        for schema_id, places in by_schema(values).items():
            program = self._program(schema_id, writers)
            if program is not None:
                rows, left = np.array(places, dtype=np.int64), np.zeros(program.depth, dtype=np.int64)
                data = np.frombuffer(joined, dtype=np.uint8)
                project(data, starts, rows, program.steps, program.branches, left, numbers, ends, done)
        columns = self._event_columns(joined, numbers, ends, done)
        for place in np.flatnonzero(~done).tolist():
            self._read_one(columns, place, self._projection.read(values[place], writers))
        return columns

    def _program(self, schema_id: int, writers: Writers) -> FieldProgram | None:
        writer = writers.get(schema_id)
        known, program = self._programs.get(schema_id, (None, None))
        if writer is not None and known is not writer:
            program = self._build(writer)
            self._programs[schema_id] = (writer, program)
        return program if writer is not None else None

    def _build(self, writer: Any) -> FieldProgram | None:
        """None where an event must be read alone: the schema is refused, or the fields are of other types there."""
        try:
            theirs = record_type(writer, repeated=True)
            own = {field.name: field.type for field in theirs.fields}
            same = all(own.get(name) == kind for name, kind in self._types.items())
            plain = whole_json(writer) is not None and alike(theirs, self._projection.type)
            return field_program(theirs, self._columns) if same and plain else None
        except RecordError:
            return None

    def _event_columns(
        self, joined: bytes, numbers: Integers, ends: Integers, done: npt.NDArray[np.bool_]
    ) -> EventColumns:
        wholes, reals, texts = {}, {}, {}
        for name, column in self._columns.items():
            kind = bare(self._types[name]).kind
            mine, until = numbers[:, column].copy(), ends[:, column]
            if kind == "string":
                # Nothing, where it is null or was not read.
                spans = np.stack([mine, np.where(done & (until > mine), until, mine)], axis=1)
                texts[name] = [text or "" for text in texts_at(joined, spans)]
            elif kind == "double":
                real = mine.view(np.float64)
                real[until == NULL] = np.nan
                reals[name] = real
            else:
                wholes[name] = mine
        return EventColumns(done.copy(), wholes, reals, texts)

    def _read_one(self, columns: EventColumns, place: int, record: Mapping[str, Any] | None) -> None:
        if record is None:
            return
        columns.readable[place] = True
        for name, whole in columns.wholes.items():
            whole[place] = _whole(bare(self._types[name]), record[name])
        for name, real in columns.reals.items():
            real[place] = np.nan if record[name] is None else record[name]
        for name, text in columns.texts.items():
            text[place] = record[name] or ""


def _whole(kind: AvroType, value: Any) -> int:
    if kind.kind == "enum":
        return kind.symbols.index(value)
    return millis(value) if kind.logical == TIME else int(value)
