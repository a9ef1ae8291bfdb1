"""What a record counts as: applications and decisions as places in the bins that the champion's profile fixed.

Pure: decoded batches in, `Observations` out. All of it is array work but the decoding itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from drift.decoding import Projection, Writers, millis
from drift.observations import MILLIONTHS, Integers, Observations, Shape
from drift.reference import Reference
from schemas.applications import invalid
from schemas.codec import ApplicationReader
from schemas.contract import Contract
from schemas.events import LoanDecision
from schemas.records import RecordBatch
from schemas.topics import Topics
from scorecard.policy import OUTCOMES
from scorecard.reasons import MOST

Floats = npt.NDArray[np.float64]

READ: Final = ("application_id", "applied_at", "outcome", "probability", "reference_id")
READ_OF_LISTS: Final = {"contributions": ("feature", "contribution"), "reasons": ("code",)}


class ApplicationCells:
    """Counts applications by the bins of their features."""

    def __init__(self, contract: Contract, reference: Reference) -> None:
        self._contract = contract
        self._layout = reference.applications
        self._reader = ApplicationReader(contract)
        self.shape = Shape(self._layout.size)

    def observe(self, batch: RecordBatch, writers: Writers) -> Observations:
        """Every record of a batch, in its order; what cannot be read is marked so."""
        decoded = self._reader.read(batch.values, writers)
        read = _Read(
            places=decoded.places,
            times=decoded.applications.applied_at,
            ids=decoded.applications.ids,
            cells=self.cells(decoded.applications.values),
            sums=np.zeros((len(decoded.places), 0), dtype=np.int64),
        )
        return _observations(batch, read)

    def cells(self, values: Floats) -> Integers:
        """The place of each value; shape of `values`, which is (n, observed fields)."""
        wrong = invalid(self._contract, values)
        found = np.empty(values.shape, dtype=np.int64)
        for column, binned in enumerate(self._layout.binned):
            found[:, column] = binned.places(values[:, column], wrong[:, column]) + self._layout.starts[column]
        return found


class DecisionCells:
    """Counts a champion's decisions by score, contributions, reasons and outcome; another champion's are left out."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._layout = reference.decisions
        self._read = Projection(LoanDecision, READ, READ_OF_LISTS).read
        self._names = [binned.name for binned in reference.profile.contributions]
        self._codes = {code: float(place) for place, code in enumerate(reference.profile.reasons.levels)}
        self._outcomes = {outcome.value: code for code, outcome in enumerate(OUTCOMES)}
        self.shape = Shape(self._layout.size, 1 + len(self._names))

    def observe(self, batch: RecordBatch, writers: Writers) -> Observations:
        """The decisions of a batch that this champion made, in their order."""
        places, records = [], []
        for place, value in enumerate(batch.values):
            record = self._read(value, writers)
            if record is not None and record["reference_id"] == self._reference.reference_id:
                places.append(place)
                records.append(record)
        values = self._values(records)
        read = _Read(
            places=np.array(places, dtype=np.int64),
            times=np.array([millis(record["applied_at"]) for record in records], dtype=np.int64),
            ids=[record["application_id"] for record in records],
            cells=self._cells(records, values),
            sums=np.rint(np.nan_to_num(values) * MILLIONTHS).astype(np.int64),
        )
        seen = _observations(batch, read)
        return seen.rows(seen.readable)

    def _values(self, records: Sequence[Mapping[str, Any]]) -> Floats:
        """Probability and contributions; NaN where not scored; shape (n, 1 + contributions)."""
        values = np.full((len(records), 1 + len(self._names)), np.nan)
        for row, record in enumerate(records):
            if record["probability"] is None:
                continue
            values[row, 0] = record["probability"]
            given = {item["feature"]: item["contribution"] for item in record["contributions"]}
            values[row, 1:] = [given.get(name, np.nan) for name in self._names]
        return values

    def _cells(self, records: Sequence[Mapping[str, Any]], values: Floats) -> Integers:
        numbers = values.shape[1]
        cells = np.full((len(records), numbers + MOST + 1), -1, dtype=np.int64)
        right = np.zeros(len(records), dtype=np.bool_)
        for column, binned in enumerate(self._layout.binned[:-1]):
            cells[:, column] = binned.places(values[:, column], right) + self._layout.starts[column]
        reasons, unseen = self._layout.starts[numbers], float(self._layout.binned[-1].size - 1)
        for row, record in enumerate(records):
            for nth, reason in enumerate(record["reasons"][:MOST]):
                cells[row, numbers + nth] = reasons + self._codes.get(reason["code"], unseen)
            cells[row, -1] = self._layout.starts[-1] + self._outcomes.get(record["outcome"], 0)
        return cells


def cells_of(
    contract: Contract, topics: Topics, reference: Reference
) -> Mapping[str, ApplicationCells | DecisionCells]:
    """What counts the records of each topic, by its name."""
    return {
        topics.applications.name: ApplicationCells(contract, reference),
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
