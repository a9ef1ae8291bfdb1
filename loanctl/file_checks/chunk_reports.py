"""A file against a reference, part by part: drift, and by a scorecard score and performance; no Kafka.

What scores is in `loanctl.file_checks.file_scoring`: the kernels' compiler takes a second to import, and a comparison
of two files does without.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

import numpy as np

from drift.binning.reference import Reference
from drift.binning.value_cells import value_cells
from drift.binning.week_hours import HOUR_MS
from drift.detection.drift_report import report_of
from drift.detection.row_expectation import RowsByHour
from drift.settings import DriftSettings
from drift.windows.window import TopicCount, Window
from loanctl.file_checks.chunks import ChunkRule, Integers, chunks
from loanctl.file_checks.table_ranges import implausible_counts, require_plausible
from loanctl.reports.file_check import matrix
from loanctl.simulation.loan_tables import Table
from schemas.applications import Matrix
from schemas.events.drift import DriftReport, Verdict
from schemas.events.performance import Performance
from schemas.tables import columns, times
from schemas.tables.table_errors import TableError
from schemas.timestamps import millis_of, time_of

DRIFTED: Final = 3
CANNOT_SAY: Final = 4
BAD_DATA: Final = 5


class FileDecisions(Protocol):
    def count(self, rows: Integers, reference: Reference) -> TopicCount:
        """Some rows, counted as the drift agent counts decisions."""

    def performance(self, rows: Integers) -> Performance:
        """Estimated, and realised where the file has labels."""


class FileScorer(Protocol):
    def __call__(self, table: Table, values: Matrix) -> FileDecisions:
        """By a scorecard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReference:
    """What a file is measured against."""

    reference: Reference
    scorer: FileScorer | None = None
    """None: features alone are compared."""
    rows: RowsByHour | None = None
    """None: nothing says how many rows to expect."""
    as_is: bool = False
    """Whether a file is judged even where most values of a field lie in a tail of the reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkReport:
    report: DriftReport
    performance: Performance | None
    """None without a scorecard."""
    timed: bool
    """Whether the window is of event time; else of rows, counted in milliseconds."""
    performance_ends: datetime | None
    """When the performance window of its youngest row ends; None where the file does not say."""

    @property
    def rows(self) -> tuple[int, int] | None:
        """The first and the last row, from 1, of a file without times."""
        if self.timed:
            return None
        return millis_of(self.report.window_start) + 1, millis_of(self.report.window_end)

    @property
    def span(self) -> str:
        """Its rows, or its event time, in words."""
        if self.rows:
            return "rows {:,} to {:,}".format(*self.rows)
        return f"{self.report.window_start} to {self.report.window_end}"


def chunk_reports(
    table: Table, compared: FileReference, rule: ChunkRule, settings: DriftSettings, time_column: str = ""
) -> list[ChunkReport]:
    """The report of each part, in order.

    Raises:
        TableError: a value is no number or time, or the time column is not there.
        ImplausibleRangeError: most values of a field lie in a tail of the reference.
        ChunkError: the parts cannot be cut.
    """
    contract, reference = settings.contract(), compared.reference
    values = matrix(table, contract)
    cells = value_cells(values, contract, reference)
    if not compared.as_is:
        whole = np.bincount(cells.ravel(), minlength=reference.applications.size)
        require_plausible(implausible_counts(whole, reference), table.name)
    decisions = compared.scorer(table, values) if compared.scorer else None
    reporting = settings.rules().reporting
    moments, rules, found = event_times(table, settings, time_column), settings.performance_rules(), []
    # The first and the last part may be shorter than the calendar's; rows are expected by whole hours.
    first_hour, after = (int(moments.min()) // HOUR_MS * HOUR_MS, (int(moments.max()) // HOUR_MS + 1) * HOUR_MS)
    for chunk in chunks(moments, rule):
        counts = np.bincount(cells[chunk.rows].ravel(), minlength=reference.applications.size)
        tallies = {reporting.applications_topic: TopicCount(n=len(chunk.rows), counts=counts)}
        if decisions is not None:
            tallies[reporting.decisions_topic] = decisions.count(chunk.rows, reference)
        window = Window(start=chunk.start, end=chunk.end, tallies=tallies, stretches={})
        performance = decisions.performance(chunk.rows) if decisions else None
        latest = int(moments[chunk.rows].max())
        seen = (max(chunk.start, first_hour), min(chunk.end, after))
        expecting = replace(reference, expected_rows=_expected_rows(seen, compared, rule, settings))
        one = ChunkReport(
            report=report_of(window, expecting, reporting),
            performance=performance,
            timed=chunk.timed,
            performance_ends=time_of(latest + (rules.mature_ms or rules.age_ms)) if chunk.timed else None,
        )
        found.append(one)
    return found


def rows_by_hour(table: Table, settings: DriftSettings, time_column: str = "") -> RowsByHour | None:
    """How many rows a file has by the hours of the week; None if its rows have no times."""
    named = time_column if time_column in table.rows.columns else ""
    moments = event_times(table, settings, named)
    if not len(moments) or (moments == times.NO_TIME).any():
        return None
    return RowsByHour.of_times(moments, settings.window_time_zone)


def _expected_rows(seen: tuple[int, int], compared: FileReference, rule: ChunkRule, settings: DriftSettings) -> float:
    """Of a part of the calendar, by setting or by the reference's hours of the week; 0 where rows cut the parts.

    Args:
        seen: begin and end of the part, within the hours of the file.
    """
    if not rule.calendar:
        return 0.0
    if settings.window_rows:
        return float(settings.window_rows)
    return compared.rows.rows_between(*seen) if compared.rows else 0.0


def event_times(table: Table, settings: DriftSettings, time_column: str = "") -> Integers:
    """When each row applied, milliseconds since 1970; `NO_TIME` where the file does not say.

    Args:
        time_column: in place of the contract's.

    Raises:
        TableError: no such column, or a value is no time.
    """
    if not time_column:
        return columns.times(settings.contract(), table.rows, table.name)
    if time_column not in table.rows.columns:
        problem = f"{table.name} has no column {time_column}, named by --time-column"
        raise TableError(problem)
    return times.milliseconds(table.rows[time_column], f"column {time_column} of {table.name}")


def exit_status(reports: Sequence[DriftReport]) -> int:
    """For pipelines: drifted before bad data before cannot say; 0 where some part is judged and none is at fault."""
    if any(report.verdict is Verdict.DRIFTED for report in reports):
        return DRIFTED
    if any(report.data_quality or report.alarms for report in reports):
        return BAD_DATA
    return CANNOT_SAY if all(report.verdict is Verdict.INSUFFICIENT for report in reports) else 0
