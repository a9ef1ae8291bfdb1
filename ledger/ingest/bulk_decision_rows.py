"""Rows of decisions in bulk: the same rows as `ledger.ingest.table_rows` makes, several times as fast. Pure.

Most strings of a batch are the same from row to row (the scorecard's, the reasons): each is decoded once.
"""

import io
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import fastavro
import numpy as np
import numpy.typing as npt
from pydantic_core import to_json

from ledger.ingest import decision_kernels as kernels
from ledger.ingest.chain import Cell
from ledger.ingest.table_rows import MOST_KEY_BYTES, Item, RowMaker, json_cell
from ledger.sql.table_columns import NUL_SYMBOL
from schemas.avro_resolution.writer_schemas import Writers
from schemas.codec.bulk_decoder import concatenate
from schemas.codec.bulk_program import EARLIEST_MS, LATEST_MS
from schemas.codec.event_codec import avro_schema
from schemas.codec.wire_format import by_schema
from schemas.events.decisions import ContributionSpace, LoanDecision, Outcome
from schemas.records import RecordBatch
from scorecard.decisions.bulk_decision_decoder import is_ours

MOST_FEATURES: Final = 256
REMEMBERED: Final = 65_536
"""Strings of each kind: few hundred are in use at a time, and memory has a bound."""
OUTCOMES: Final = tuple(each.value for each in Outcome)
SPACES: Final = tuple(each.value for each in ContributionSpace)


class DecisionRowMaker(RowMaker):
    def items(self, batch: RecordBatch, writers: Writers) -> Sequence[Item]:
        """One for each record, in order; see `RowMaker`."""
        found: list[Item | None] = [None] * len(batch)
        for schema_id, places in by_schema(batch.values).items():
            if is_ours(writers.get(schema_id)):
                for place, item in zip(places, bulk_items(batch, places), strict=True):
                    found[place] = item
        return [item or self.item(batch, place, writers) for place, item in enumerate(found)]


def warm() -> None:
    """Compiles the passes, or loads them from the cache."""
    columns = _decode([b"\0"])
    assert columns is None  # noqa: S101 - one byte is no decision


def bulk_items(batch: RecordBatch, places: Sequence[int]) -> Sequence[Item | None]:
    """Items of these records, all written by our own schema; None for those that are to be read one by one."""
    columns = _decode([batch.values[place] or b"" for place in places])
    if columns is None:
        return [None] * len(places)
    recorded = _times(np.asarray([batch.timestamps[place] for place in places], dtype=np.int64))
    items: list[Item | None] = []
    for row, place in enumerate(places):
        partition, offset = batch.partitions[place], batch.offsets[place]
        cells = columns(row) if recorded[row] else None
        full = cells and (batch.topic, partition, offset, recorded[row], *cells)
        items.append(Item(partition, offset, full) if full else None)
    return items


def _decode(values: Sequence[bytes]) -> Callable[[int], tuple[Cell, ...] | None] | None:
    joined, starts = concatenate(values)
    data = np.frombuffer(joined, dtype=np.uint8)
    names = np.zeros((MOST_FEATURES, 2), dtype=np.int64)
    features = kernels.features_of(data, starts, names)
    count, width = len(values), max(features, 0)
    done = np.zeros(count, dtype=np.bool_)
    spans = np.zeros((count, kernels.SPANS, 2), dtype=np.int64)
    numbers = np.full((count, kernels.NUMBERS), np.nan)
    wholes = np.zeros((count, kernels.WHOLES), dtype=np.int64)
    branches = np.zeros((count, width), dtype=np.int64)
    amounts, added = np.zeros((count, width)), np.zeros((count, width))
    texts = np.zeros((count, width, 2), dtype=np.int64)
    kernels.decode(data, starts, names[:width].copy(), done, spans, numbers, wholes, branches, amounts, texts, added)
    if features < 0 or not done.any():
        return None
    columns = _Columns(joined, done, spans, numbers, wholes, branches, amounts, texts, added)
    return columns.reader(names[:width].tolist())


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the kernel found of n rows; shapes as `ledger.ingest.decision_kernels.decode` says."""

    joined: bytes
    done: npt.NDArray[np.bool_]
    spans: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.float64]
    wholes: npt.NDArray[np.int64]
    branches: npt.NDArray[np.int64]
    amounts: npt.NDArray[np.float64]
    texts: npt.NDArray[np.int64]
    added: npt.NDArray[np.float64]

    def good(self) -> list[bool]:
        """Rows that need no second look: every number finite, every symbol and time known."""
        finite = (np.isfinite(self.amounts) & np.isfinite(self.added)).all(axis=1)
        plain = (np.isfinite(self.numbers) | np.isnan(self.numbers)).all(axis=1)
        found: list[bool] = (self.done & finite & plain & _valid_rows(self.wholes)).tolist()
        return found

    def reader(self, names: Sequence[Sequence[int]]) -> Callable[[int], tuple[Cell, ...] | None]:
        """Makes the cells of a row, those of the record's place left out; None for one that is to be read alone."""
        try:
            features = [self.joined[first:last].decode() for first, last in names]
        except UnicodeDecodeError:
            return lambda _: None
        if len(set(features)) != len(features) or any("\0" in feature for feature in features):
            return lambda _: None
        joined, width, good = self.joined, len(features), self.good()
        # Flat lists, and one per column: a list for each row would set off the garbage collector again and again.
        spans = list(zip(*self.spans.reshape(len(good), -1).T.tolist(), strict=True))
        reals = list(zip(*(_real_column(column) for column in self.numbers.T), strict=True))
        applied = _times(self.wholes[:, 0])
        whole = list(zip(*self.wholes[:, 1:].T.tolist(), strict=True))
        amounts, added = self.amounts.ravel().tolist(), self.added.ravel().tolist()
        odd = self._odd()

        def cells(row: int) -> tuple[Cell, ...] | None:
            if not good[row]:
                return None
            values: list[Any] = amounts[row * width : (row + 1) * width]
            span = spans[row]
            try:
                for at, first, last in odd.get(row, ()):
                    values[at] = None if first < 0 else text_of(joined[first:last])
                identity, name = joined[span[0] : span[1]].decode(), joined[span[2] : span[3]].decode()
                reasons, flags = reasons_of(joined[span[4] : span[5]]), flags_of(joined[span[6] : span[7]])
                fault = text_of(joined[span[8] : span[9]]) if span[9] else None
                tail, code_version = tail_of(joined[span[10] : span[11]]), text_of(joined[span[12] : span[13]])
            except (ValueError, IndexError):  # no text, or a symbol that the schema does not have
                return None
            if "\0" in name or "\0" in identity or span[3] - span[2] > MOST_KEY_BYTES:
                return None
            probability, margin, base_value, approve_below, decline_from = reals[row]
            outcome, space, partition, offset, schema_id = whole[row]
            return (
                identity,
                name,
                applied[row],
                OUTCOMES[outcome],
                probability,
                margin,
                base_value,
                SPACES[space],
                to_json(dict(zip(features, values, strict=True))).decode(),
                to_json(dict(zip(features, added[row * width : (row + 1) * width], strict=True))).decode(),
                approve_below,
                decline_from,
                reasons,
                flags,
                fault,
                *tail,
                partition,
                offset,
                schema_id,
                code_version,
            )

        return cells

    def _odd(self) -> Mapping[int, Sequence[tuple[int, int, int]]]:
        """By row: columns that hold no number, and the spans of their texts; -1 for null."""
        rows, columns = np.nonzero(self.branches != kernels.NUMBER)
        null = self.branches[rows, columns] == kernels.NULL
        firsts = np.where(null, -1, self.texts[rows, columns, 0])
        found: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for row, *place in zip(
            rows.tolist(), columns.tolist(), firsts.tolist(), self.texts[rows, columns, 1].tolist(), strict=True
        ):
            found[row].append((place[0], place[1], place[2]))
        return found


def _real_column(column: npt.NDArray[np.float64]) -> list[float | None]:
    # SQLite keeps no minus before a zero, and NaN stands for null; damaged bytes may hold a signalling one.
    with np.errstate(invalid="ignore"):
        return [None if cell != cell else cell for cell in (column + 0.0).tolist()]


def _valid_rows(wholes: Any) -> Any:
    """Rows whose time a calendar has, and whose symbols the schema."""
    applied_at, outcomes, spaces = wholes[:, 0], wholes[:, 1], wholes[:, 2]
    timely = (applied_at >= EARLIEST_MS) & (applied_at <= LATEST_MS)
    return timely & (outcomes >= 0) & (outcomes < len(OUTCOMES)) & (spaces >= 0) & (spaces < len(SPACES))


def _times(milliseconds: Any) -> list[str]:
    """As `columns.time_text` writes them; empty where a calendar has no such time."""
    timely = (milliseconds >= EARLIEST_MS) & (milliseconds <= LATEST_MS)
    shown = np.datetime_as_string(np.where(timely, milliseconds, 0).astype("datetime64[ms]"), unit="ms")
    return [text.replace("T", " ") if known else "" for text, known in zip(shown.tolist(), timely, strict=True)]


@lru_cache(maxsize=REMEMBERED)
def text_of(data: bytes) -> str:
    return data.decode().replace("\0", NUL_SYMBOL)


@lru_cache(maxsize=REMEMBERED)
def reasons_of(data: bytes) -> Cell:
    return json_cell(fastavro.schemaless_reader(io.BytesIO(data), _part("reasons")))


@lru_cache(maxsize=REMEMBERED)
def flags_of(data: bytes) -> Cell:
    return json_cell(fastavro.schemaless_reader(io.BytesIO(data), _part("flags")))


@lru_cache(maxsize=REMEMBERED)
def tail_of(data: bytes) -> tuple[Cell, ...]:
    """The seven strings from the scorecard's name to the source topic."""
    stream = io.BytesIO(data)
    return tuple(text_of(fastavro.schemaless_reader(stream, "bytes")) for _ in range(7))  # type: ignore[arg-type]


@lru_cache(maxsize=2)
def _part(field: str) -> Any:
    fields: Mapping[str, Any] = {each["name"]: each["type"] for each in avro_schema(LoanDecision)["fields"]}
    return fastavro.parse_schema(fields[field])
