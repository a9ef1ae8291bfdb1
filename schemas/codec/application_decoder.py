"""Decodes framed Avro bytes of applications to columns; unreadable records are reported by index and reason.

Pure: the shell (`schemas.registry_client`) queries the registry and passes in writer schemas by
id. The contract tests compare these bytes with those of confluent-kafka's own serializers.

Wire format: a zero byte, the schema id as four bytes big-endian, the Avro body.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from schemas.applications import Applications, from_records, with_ratios
from schemas.avro_resolution.writer_schemas import Writers
from schemas.codec import bulk_decoder
from schemas.codec.application_plan import ReadPlan, plan_of
from schemas.codec.bulk_program import Program
from schemas.codec.record_limits import USUAL, OversizedError, RecordLimits
from schemas.codec.sealed_records import ApplicationKeys, open_values, without_keys
from schemas.codec.wire_format import NamelessError, OversizedIdError, UnknownSchemaError, by_schema, unframe
from schemas.contract.contract import Contract
from schemas.errors import RecordError
from schemas.records import RecordBatch


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record of a batch that cannot be read, by its place in the batch."""

    place: int
    error: RecordError


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """Contents of a batch: the readable applications, their indices in it, and the rest."""

    applications: Applications
    places: npt.NDArray[np.int64]
    schema_ids: npt.NDArray[np.int64]
    """Of each readable application."""
    unreadable: Sequence[Unreadable]


class ApplicationReader:
    """Reads applications of one contract, whatever compatible schema they were written with.

    In bulk where the writer's schema allows it (`schemas.codec.bulk_decoder`); what is left over, one by one.
    """

    def __init__(self, contract: Contract, limits: RecordLimits = USUAL, keys: ApplicationKeys = without_keys) -> None:
        """Reads nothing yet.

        Args:
            keys: of applications that are sealed (`schemas.codec.sealed_records`); an outage of theirs is raised.
        """
        self._contract = contract
        self._limits = limits
        self._keys = keys
        self._plans: dict[int, tuple[Any, ReadPlan]] = {}

    def read_batch(self, batch: RecordBatch, writers: Writers) -> DecodedBatch:
        """Every record of a batch, read or named unreadable; none is dropped.

        Args:
            batch: of the applications topic; keys and headers count at the door.
            writers: of the ids that the batch names (`schemas.codec.wire_format.schema_ids`).
        """
        return self._decode_admissible(batch.values, self._limits.oversized_rows(batch), writers)

    def read(self, values: Sequence[bytes | None], writers: Writers) -> DecodedBatch:
        """The same, where values are all there is."""
        return self._decode_admissible(values, self._limits.oversized_values(values), writers)

    def _decode_admissible(
        self, values: Sequence[bytes | None], oversized: Sequence[int], writers: Writers
    ) -> DecodedBatch:
        refused = {place: Unreadable(place, OversizedError()) for place in oversized}
        admitted = [None if place in refused else value for place, value in enumerate(values)] if refused else values
        found = open_values(admitted, self._keys)
        refused |= {place: Unreadable(place, each) for place, each in enumerate(found) if isinstance(each, RecordError)}
        if not refused:
            return self._read(found, writers)  # type: ignore[arg-type]  # none of them is a refusal
        decoded = self._read([None if place in refused else value for place, value in enumerate(found)], writers)  # type: ignore[misc]  # nor here
        rest = [item for item in decoded.unreadable if item.place not in refused]
        return replace(decoded, unreadable=sorted([*rest, *refused.values()], key=lambda item: item.place))

    def warm(self) -> None:
        """Compiles the bulk pass, or loads it from the cache."""
        program = plan_of(self._contract, self._contract.schema).program
        if program is not None:
            bulk_decoder.decode(program, [b"\0"])

    def _read(self, values: Sequence[bytes | None], writers: Writers) -> DecodedBatch:
        columns = _Columns.empty(len(values), len(self._contract.observed))
        for schema_id, places in by_schema(values).items():
            program = self._program(schema_id, writers.get(schema_id))
            if program is None:
                continue
            theirs: Any = values if len(places) == len(values) else [values[place] for place in places]
            bulk = bulk_decoder.decode(program, theirs)
            if len(places) == len(values):  # nearly always, and then nothing is copied
                columns = _Columns.of(schema_id, bulk)
            else:
                columns.take(places, schema_id, bulk)
        left = np.flatnonzero(~columns.done).tolist()
        unreadable = self._one_by_one(values, left, writers, columns)
        return columns.to_batch(self._contract, unreadable)

    def _program(self, schema_id: int, writer: Any) -> Program | None:
        try:
            return self._plan(schema_id, writer).program
        except RecordError:
            return None

    def _plan(self, schema_id: int, writer: Any) -> ReadPlan:
        if writer is None:
            raise UnknownSchemaError
        # A refusal is not kept: the registry may know better later.
        known, plan = self._plans.get(schema_id, (None, None))
        if plan is None or known is not writer:
            plan = plan_of(self._contract, writer)
            self._plans[schema_id] = (writer, plan)
        return plan

    def _one_by_one(
        self, values: Sequence[bytes | None], left: Sequence[int], writers: Writers, columns: "_Columns"
    ) -> list[Unreadable]:
        unreadable = []
        for place in left:
            try:
                schema_id, one = self._read_one(values[place], writers)
            except RecordError as error:
                unreadable.append(Unreadable(place, error))
            else:
                columns.put(place, schema_id, one)
        return unreadable

    def _read_one(self, value: bytes | None, writers: Writers) -> tuple[int, Applications]:
        schema_id, body = unframe(value)
        record = self._plan(schema_id, writers.get(schema_id)).record(body)
        name = record[self._contract.id_field]
        if not name:
            raise NamelessError
        if len(name.encode()) > bulk_decoder.MOST_ID_BYTES:
            raise OversizedIdError
        return schema_id, from_records(self._contract, [record])


@dataclass(frozen=True, slots=True)
class _Columns:
    """A batch's columns while they are filled, one row for each record, `done` where it is."""

    done: npt.NDArray[np.bool_]
    values: npt.NDArray[np.float64]
    applied_at: npt.NDArray[np.int64]
    schema_ids: npt.NDArray[np.int64]
    ids: list[str]

    @classmethod
    def empty(cls, rows: int, columns: int) -> Self:
        return cls(
            done=np.zeros(rows, dtype=np.bool_),
            values=np.empty((rows, columns)),
            applied_at=np.zeros(rows, dtype=np.int64),
            schema_ids=np.zeros(rows, dtype=np.int64),
            ids=[""] * rows,
        )

    @classmethod
    def of(cls, schema_id: int, bulk: bulk_decoder.Flat) -> Self:
        return cls(
            done=bulk.done,
            values=bulk.values,
            applied_at=bulk.applied_at,
            schema_ids=np.full(len(bulk.done), schema_id),
            ids=list(bulk.ids),
        )

    def take(self, places: Sequence[int], schema_id: int, bulk: bulk_decoder.Flat) -> None:
        rows = np.array(places)
        self.done[rows] = bulk.done
        self.values[rows] = bulk.values
        self.applied_at[rows] = bulk.applied_at
        self.schema_ids[rows] = schema_id
        for place, name in zip(places, bulk.ids, strict=True):
            self.ids[place] = name

    def put(self, place: int, schema_id: int, one: Applications) -> None:
        self.done[place] = True
        self.values[place] = one.values[0]
        self.applied_at[place] = one.applied_at[0]
        self.schema_ids[place] = schema_id
        self.ids[place] = one.ids[0]

    def to_batch(self, contract: Contract, unreadable: Sequence[Unreadable]) -> DecodedBatch:
        places = np.flatnonzero(self.done)
        return DecodedBatch(
            applications=Applications(
                ids=self.ids if len(places) == len(self.ids) else [self.ids[place] for place in places],
                applied_at=self.applied_at[places],
                values=with_ratios(contract, self.values[places]),
            ),
            places=places,
            schema_ids=self.schema_ids[places],
            unreadable=unreadable,
        )
