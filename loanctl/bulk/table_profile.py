"""Tables counted in the bins of a scorecard's profile: counts of parts, and the report of their sum.

Counts are integers and add exactly, so that a report is the same for every engine, and every cut into parts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from drift.binning.reference import Reference
from drift.binning.value_cells import value_cells
from drift.detection.drift_report import ReportContext, report_of
from drift.windows.window import TopicCount, Window
from loanctl.file_checks.file_scores import file_scores
from schemas.events.drift import DriftReport
from schemas.tables import arrow_columns
from schemas.tables.times import NO_TIME
from scorecard.bulk.row_groups import RowGroup
from scorecard.bulk.scorer_package import ScorerPackage

NUMBERS: Final = pa.list_(pa.int64())
COUNTS: Final = pa.schema(
    [
        ("n", pa.int64()),
        ("first", pa.int64()),
        ("last", pa.int64()),
        ("applications", NUMBERS),
        ("decisions", NUMBERS),
        ("sums", NUMBERS),
    ]
)
"""Of a part: rows, first and last event time, and the counts of `drift.binning.reference`."""


@dataclass(frozen=True, slots=True)
class TableCounter:
    """Counts batches of rows; travels by value."""

    package: ScorerPackage

    def counts(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """A row of `COUNTS` for each batch: a function for engines that map batches to batches.

        Raises:
            TableError: a row cannot be written as an application.
        """
        scorer = self.package.scorer()
        scorecard, contract = scorer.champion.scorecard, scorer.contract
        reference = Reference.of_scorecard(0, scorer.champion.version, scorecard, contract)
        for batch in batches:
            values = arrow_columns.values(contract, batch, scorer.source)
            times = arrow_columns.times(contract, batch, scorer.source)
            cells = value_cells(values, contract, reference)
            scores = file_scores(values, scorecard, contract, scorer.policy)
            decided = scores.count(np.arange(len(values)), reference)
            counts = np.bincount(cells.ravel(), minlength=reference.applications.size)
            yield _row(len(values), int(times.min()), int(times.max()), (counts, decided.counts, decided.sums))

    def __call__(self, _place: int, group: RowGroup) -> pa.Table:
        """The counts of a row group: a function for processes."""
        return pa.Table.from_batches(self.counts(group.batches(self.package.columns)), COUNTS)


def _row(n: int, first: int, last: int, lists: Iterable[Any]) -> pa.RecordBatch:
    numbers = [pa.array([each], pa.int64()) for each in (n, first, last)]
    return pa.RecordBatch.from_arrays([*numbers, *(pa.array([each], NUMBERS) for each in lists)], schema=COUNTS)


def table_report(parts: pa.Table, reference: Reference, reporting: ReportContext) -> DriftReport:
    """The report of a whole table as one window; of rows, from 0, where a row has no time.

    Args:
        parts: rows of `COUNTS`, one at least.
    """
    applications, decisions, sums = (sum_of(parts[name]) for name in ("applications", "decisions", "sums"))
    n, first = int(np.sum(parts["n"].to_numpy())), int(np.min(parts["first"].to_numpy()))
    timed = first != NO_TIME
    tallies = {
        reporting.applications_topic: TopicCount(n=n, counts=applications),
        reporting.decisions_topic: TopicCount(n=n, counts=decisions, sums=sums),
    }
    end = int(np.max(parts["last"].to_numpy())) + 1 if timed else n
    return report_of(Window(start=first if timed else 0, end=end, tallies=tallies, stretches={}), reference, reporting)


def sum_of(column: Any) -> Any:
    """Of one kind of counts, over all parts."""
    return np.sum([np.asarray(each, dtype=np.int64) for each in column.to_pylist()], axis=0)
