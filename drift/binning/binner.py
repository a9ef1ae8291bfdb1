"""Bins of records: applications and decisions as indices into the bins that the champion's profile fixed.

Pure: decoded batches in, `Observations` out. Everything except the decoding is array work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from drift.binning.approval_expectation import EXPECTED_SUMS
from drift.binning.bin_kernels import bin_numbers
from drift.binning.binned_records import Integers, Observations, Shape
from drift.binning.producer_clocks import producers_of
from drift.binning.reference import Reference
from drift.binning.value_cells import value_cells
from schemas.avro_resolution.writer_schemas import Writers
from schemas.codec.application_decoder import ApplicationReader
from schemas.codec.projection import Projection, millis
from schemas.codec.record_limits import USUAL, RecordLimits
from schemas.codec.sealed_records import ApplicationKeys, without_keys
from schemas.contract.contract import Contract
from schemas.events.decisions import LoanDecision, Outcome
from schemas.events.drift import ProducerClock
from schemas.records import RecordBatch
from schemas.topics import Topics
from scorecard.decisions.bulk_decision_decoder import NO_REASON, Decisions, DecisionWords, decode, is_ours
from scorecard.policy import OUTCOMES
from scorecard.reasons import MOST

Floats = npt.NDArray[np.float64]

SYMBOL_PLACES: Final = {outcome.value: place for place, outcome in enumerate(Outcome)}
SYMBOLS: Final = np.array([OUTCOMES.index(outcome) for outcome in Outcome])
"""The code of each symbol of the schema."""
READ: Final = ("application_id", "applied_at", "outcome", "probability", "approve_below", "reference_id")
READ_OF_LISTS: Final = {"contributions": ("feature", "contribution"), "reasons": ("code",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRules:
    """How applications are read from their topic."""

    limits: RecordLimits = USUAL
    keys: ApplicationKeys = without_keys
    producers: Sequence[ProducerClock] = ()
    """Told apart by their header."""


class ApplicationCells:
    """Counts applications by the bins of their features."""

    def __init__(self, contract: Contract, reference: Reference, rules: ApplicationRules = ApplicationRules()) -> None:
        self._producers = rules.producers
        self._contract = contract
        self._reference = reference
        self._reader = ApplicationReader(contract, rules.limits, rules.keys)
        self.shape = Shape(reference.applications.size)

    def observe(self, batch: RecordBatch, writers: Writers) -> Observations:
        """Every record of a batch, in its order; what cannot be read is marked so."""
        decoded = self._reader.read_batch(batch, writers)
        read = _Read(
            places=decoded.places,
            times=decoded.applications.applied_at,
            ids=decoded.applications.ids,
            cells=self.cells(decoded.applications.values),
            sums=np.zeros((len(decoded.places), 0), dtype=np.int64),
        )
        return replace(_observations(batch, read), producers=producers_of(batch.headers, self._producers))

    def cells(self, values: Floats) -> Integers:
        """The place of each value, shape (n, fields of the profile); `values` has shape (n, observed fields)."""
        return value_cells(values, self._contract, self._reference)


class DecisionCells:
    """Counts a champion's decisions by score, contributions, reasons and outcome; another champion's are left out.

    In bulk where our own schema wrote them (`bulk_decision_decoder`); what is left over, one by one.
    """

    def __init__(self, reference: Reference) -> None:
        self._reference_id = reference.reference_id
        self._expectation = reference.approvals
        self._layout = reference.decisions
        self._read = Projection(LoanDecision, READ, READ_OF_LISTS).read
        self._names = [binned.name for binned in reference.profile.contributions]
        self._codes = list(reference.profile.reasons.levels)
        self._words = DecisionWords.of(self._names, self._codes, self._reference_id)
        self._ours: dict[int, bool] = {}
        """Whether the schema of an id is the one that is read in bulk."""
        self._edges = np.array([edge for each in self._layout.binned[:-1] for edge in each.edges], dtype=np.float64)
        self._first_edges = np.cumsum([0, *(len(each.edges) for each in self._layout.binned[:-1])])
        self.shape = Shape(self._layout.size, 1 + len(self._names) + EXPECTED_SUMS)

    def observe(self, batch: RecordBatch, writers: Writers) -> Observations:
        """The decisions of a batch that this champion made, in their order."""
        ours = [schema_id for schema_id in writers if self._is_ours(schema_id, writers)]
        found = decode(batch.values, ours, self._words)
        rows = np.flatnonzero(found.done & found.ours)
        names = found.names(rows)
        if len(rows) < len(batch):
            names = _spread_names(names, rows, len(batch))
        for place in np.flatnonzero(~found.done).tolist():
            names[place] = self._one(found, place, batch.values[place], writers)
        # What is no text names no one, so it is no decision: the other reader finds that, too.
        return self._observations(batch, found, names)

    def _is_ours(self, schema_id: int, writers: Writers) -> bool:
        if schema_id not in self._ours:
            self._ours[schema_id] = is_ours(writers[schema_id])
        return self._ours[schema_id]

    def _one(self, found: Decisions, place: int, value: bytes | None, writers: Writers) -> str | None:
        """Whose decision it is, its columns filled; None where it is not this champion's, or none."""
        record = self._read(value, writers)
        if record is None or record["reference_id"] != self._reference_id:
            return None
        found.applied_at[place] = millis(record["applied_at"])
        found.outcomes[place] = SYMBOL_PLACES[record["outcome"]]
        found.approve_below[place] = record["approve_below"]
        found.reasons[place], found.values[place] = NO_REASON, np.nan
        for nth, reason in enumerate(record["reasons"][:MOST]):
            known = reason["code"] in self._codes
            found.reasons[place, nth] = self._codes.index(reason["code"]) if known else len(self._codes)
        if record["probability"] is not None:
            given = {item["feature"]: item["contribution"] for item in record["contributions"]}
            found.values[place] = [record["probability"], *(given.get(name, np.nan) for name in self._names)]
        name: str = record["application_id"]
        return name

    def _observations(self, batch: RecordBatch, found: Decisions, names: Sequence[str | None]) -> Observations:
        if None in names:
            places = np.array([place for place, name in enumerate(names) if name is not None], dtype=np.int64)
        else:
            places = np.arange(len(names))
        cells, sums = self._cells_and_sums(found, places)
        return Observations(
            offsets=np.array(batch.offsets, dtype=np.int64)[places],
            times=found.applied_at[places],
            produced=np.array(batch.timestamps, dtype=np.int64)[places],
            ids=[name for name in names if name is not None],
            cells=cells,
            sums=sums,
            readable=np.ones(len(places), dtype=np.bool_),
        )

    def _cells_and_sums(self, found: Decisions, places: Integers) -> tuple[Integers, Integers]:
        layout, values = self._layout, found.values[places]
        numbers = values.shape[1]
        cells = np.empty((len(values), numbers + MOST + 1), dtype=np.int64)
        sums = np.empty((len(values), self.shape.sums), dtype=np.int64)
        bin_numbers(values, self._edges, self._first_edges, np.array(layout.starts), cells, sums)
        sums[:, numbers:] = self._expectation.sums(found.approve_below[places])
        reasons = found.reasons[places]
        # A code that the profile does not know lies in the last bin, the one of UNSEEN.
        known = np.where(reasons == len(self._codes), layout.binned[-1].size - 1, reasons)
        cells[:, numbers:-1] = np.where(reasons == NO_REASON, -1, known + layout.starts[numbers])
        cells[:, -1] = SYMBOLS[found.outcomes[places]] + layout.starts[-1]
        return cells, sums


def cells_of(
    contract: Contract, topics: Topics, reference: Reference, rules: ApplicationRules
) -> Mapping[str, ApplicationCells | DecisionCells]:
    """What counts the records of each topic, by its name."""
    return {
        topics.applications.name: ApplicationCells(contract, reference, rules),
        topics.decisions.name: DecisionCells(reference),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """The records of a batch that could be read, as columns, and their places in it."""

    places: Integers
    times: Integers
    ids: Sequence[str]
    cells: Integers
    sums: Integers


def _observations(batch: RecordBatch, read: _Read) -> Observations:
    """Spread what was read over all records of the batch."""
    count = len(batch)
    readable = np.zeros(count, dtype=np.bool_)
    readable[read.places] = True
    return Observations(
        offsets=np.array(batch.offsets, dtype=np.int64),
        times=_spread(read.times, read.places, count, 0),
        produced=np.array(batch.timestamps, dtype=np.int64),
        ids=_names(read, count),
        cells=_spread(read.cells, read.places, count, -1),
        sums=_spread(read.sums, read.places, count, 0),
        readable=readable,
    )


def _spread_names(names: Sequence[str | None], rows: Integers, count: int) -> list[str | None]:
    """Names at their places, None elsewhere."""
    spread: list[str | None] = [None] * count
    for place, name in zip(rows.tolist(), names, strict=True):
        spread[place] = name
    return spread


def _names(read: _Read, count: int) -> Sequence[str]:
    if len(read.places) == count:
        return read.ids
    names = [""] * count
    for place, name in zip(read.places.tolist(), read.ids, strict=True):
        names[place] = name
    return names


def _spread(read: Any, places: Integers, count: int, filler: int) -> Integers:
    """Rows of what was read at their places, the filler elsewhere."""
    if len(places) == count:  # nearly always, and then nothing is copied
        return np.asarray(read, dtype=np.int64)
    spread = np.full((count, *read.shape[1:]), filler, dtype=np.int64)
    spread[places] = read
    return spread
