"""Table rows from the records of a topic. Pure: bytes in, cells out.

Cells are of types that both databases accept unchanged: text, numbers, truth, null; times and JSON are text. Neither
database stores every string and number that Avro does: NUL becomes its symbol (U+2400), NaN becomes null.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from pydantic_core import to_json

from ledger.ingest.chain import Cell
from ledger.sql import ledger_tables, table_columns
from schemas.avro_resolution.writer_schemas import Writers
from schemas.codec.event_codec import avro_schema
from schemas.codec.event_decoder import EventDecoder
from schemas.codec.wire_format import OversizedIdError, UndecodableError
from schemas.errors import RecordError
from schemas.records import RecordBatch
from schemas.timestamps import time_of

MOST_KEY_BYTES: Final = 1_024
"""Of an application's id: PostgreSQL indexes no more than 2,700 bytes. The worker decides on none over 256."""
MALFORMED: Final = (ValueError, KeyError, TypeError, AttributeError, OverflowError)
"""Exceptions of a cell or a column for a value that it cannot store."""
ESCAPED_NUL: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")

Flat = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Item:
    """One record, as a row or as the reason why there is none."""

    partition: int
    offset: int
    cells: tuple[Cell, ...] = ()
    """In the table's order, the link left out."""
    reason: str = ""
    """Empty where there is a row; else a word of `schemas.errors.RecordError`."""


class RowMaker:
    def __init__(self, table: sa.Table, event: type | None = None, flat: Flat = dict) -> None:
        """How to read.

        Args:
            event: of `schemas.codec.event_codec`; None for dead letters, whose headers are read and not their value.
            flat: the decoded record as columns, where these are not its fields.
        """
        self.table = table
        self._decoder = EventDecoder(avro_schema(event)) if event else None
        self._flat = flat
        shared = (*ledger_tables.PLACE, "recorded_at", ledger_tables.LINK)
        own = [column for column in table.columns if column.name not in shared]
        self._cells = [(column.name, _cell_of(column.type)) for column in own]
        self._key = next((place for place, column in enumerate(own) if column.name == "application_id"), None)

    def items(self, batch: RecordBatch, writers: Writers) -> Sequence[Item]:
        """One for each record, in order.

        Args:
            writers: parsed schemas by the ids that the batch names; None where the registry has none.
        """
        return [self.item(batch, place, writers) for place in range(len(batch))]

    def item(self, batch: RecordBatch, place: int, writers: Writers) -> Item:
        partition, offset = batch.partitions[place], batch.offsets[place]
        try:
            fields = self._fields(batch, place, writers)
            own = [cell(fields[name]) for name, cell in self._cells]
            if self._key is not None and len(str(own[self._key]).encode()) > MOST_KEY_BYTES:
                raise OversizedIdError
            recorded_at = _time(time_of(batch.timestamps[place]))
        except RecordError as fault:
            return Item(partition, offset, reason=fault.reason)
        except MALFORMED:
            return Item(partition, offset, reason=UndecodableError.reason)
        return Item(partition, offset, cells=(batch.topic, partition, offset, recorded_at, *own))

    def _fields(self, batch: RecordBatch, place: int, writers: Writers) -> Mapping[str, Any]:
        if self._decoder is None:
            return dead_letter(batch, place)
        record = self._decoder.decode(batch.values[place], writers)
        return self._flat(record)


def flat_decision(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Columns of a decision: values and contributions by feature, in the contract's order."""
    contributions = record["contributions"]
    return {
        **record,
        "feature_values": {each["feature"]: each["value"] for each in contributions},
        "contributions": {each["feature"]: each["contribution"] for each in contributions},
    }


def flat_drift_report(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Columns of a drift report: what a page of windows shows, and the whole of it."""
    decided = record["decisions"]
    return {
        **record,
        "feature_psi": {each["feature"]: each["psi"] for each in record["features"]},
        "approval_rate": decided["approval_rate"] if decided else None,
        "report": record,
    }


def flat_performance_report(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Columns of a performance report: its first figures, and the whole of it."""
    performance = record["performance"]
    observed = performance["observed"] or {}
    return {
        **record,
        "decided": performance["decided"],
        "with_outcome": performance["with_outcome"],
        "approval_rate": _value(performance["approval_rate"]),
        "default_rate": _value(observed.get("default_rate")),
        "auc": _value(observed.get("auc")),
        "brier": _value(observed.get("brier")),
        "report": record,
    }


def dead_letter(batch: RecordBatch, place: int) -> Mapping[str, Any]:
    """Columns of a dead letter: its record's coordinates and the fault. Never its key or its bytes."""
    headers = {name: (value or b"").decode(errors="replace") for name, value in batch.headers[place]}
    return {
        "source_topic": headers.get("__connect.errors.topic", "")[: MOST_KEY_BYTES // 4] or None,
        "source_partition": _number(headers.get("__connect.errors.partition"), 2**31),
        "source_offset": _number(headers.get("__connect.errors.offset"), 2**63),
        "stage": headers.get("__connect.errors.stage"),
        "reason": headers.get("reason", "unknown"),
        "field": headers.get("field"),
        "value_bytes": len(batch.values[place] or b""),
    }


def _cell_of(kind: Any) -> Callable[[Any], Cell]:
    if isinstance(kind, table_columns.JsonText):
        return json_cell
    if isinstance(kind, table_columns.UtcTime):
        return _time
    return _real if isinstance(kind, sa.Double) else _text if isinstance(kind, table_columns.StorableText) else _integer


# A foreign writer's schema decides the Python type that fastavro gives, so each cell checks its value.


def _text(value: Any) -> Cell:
    if value is not None and type(value) is not str:
        raise UndecodableError
    return table_columns.storable(value) if value is not None and "\0" in value else value


def _real(value: Any) -> Cell:
    if value is None or value != value:  # NaN, which SQLite takes for null
        return None
    if type(value) is not float:
        raise UndecodableError
    # SQLite keeps no minus before a zero.
    return value + 0.0


def _time(value: Any) -> Cell:
    if value is None:
        return None
    if not isinstance(value, datetime) or value.tzinfo is not UTC:
        raise UndecodableError
    return value.isoformat(" ", "milliseconds")[:23]


def json_cell(value: Any) -> Cell:
    """Plain data as JSON."""
    text = to_json(value, inf_nan_mode="null").decode()
    return ESCAPED_NUL.sub(rf"\1{table_columns.NUL_SYMBOL}", text) if "\\u0000" in text else text


def _integer(value: Any) -> Cell:
    if value is not None and not isinstance(value, int):
        raise UndecodableError
    return value


def _value(figure: Mapping[str, float] | None) -> float | None:
    return figure["value"] if figure else None


def _number(text: str | None, under: int) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and int(text[:20]) < under else None
