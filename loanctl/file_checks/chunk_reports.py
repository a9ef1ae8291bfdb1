"""A file against a reference, part by part: drift, and where a scorecard is at hand score and performance, no Kafka."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from drift.binning.binner import ApplicationCells
from drift.binning.reference import Reference
from drift.detection.drift_report import report_of
from drift.performance.loan_figures import performance
from drift.performance.outcome_join import Notes
from drift.performance.performance_report import SEED
from drift.settings import DriftSettings
from drift.windows.window import TopicCount, Window
from loanctl.file_checks.chunks import Chunk, ChunkRule, Integers, chunks
from loanctl.file_checks.file_scores import FileScores, file_scores, scored_profile
from loanctl.reports.champion_performance import ChampionPerformance, PerformanceSummary
from loanctl.reports.file_check import by_file, champion_scorecard, matrix
from loanctl.simulation.loan_tables import Table, default_flags
from schemas.errors import SetupError
from schemas.events.drift import DriftReport, Verdict
from schemas.events.performance import Performance
from schemas.tables import columns, times
from schemas.tables.table_errors import TableError
from scorecard import bundle
from scorecard.scorecard import Scorecard

DRIFTED: Final = 3
CANNOT_SAY: Final = 4
BAD_DATA: Final = 5


class NoScorecardError(SetupError):
    """The bundle that was named cannot score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReference:
    """What a file is measured against."""

    reference: Reference
    scorecard: Scorecard | None
    """Scores both; None: features alone are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkReport:
    """One part."""

    report: DriftReport
    performance: Performance | None
    """Estimated, and realised where the file has labels; None without a scorecard."""


def file_reference(against: Table | None, bundle_folder: Path | None, settings: DriftSettings) -> FileReference:
    """The reference: a file's applicants, a bundle's, or the champion's.

    Raises:
        NoReferenceError: none is named, and there is no champion.
        OutageError: MLflow is away.
        SetupError: the bundle is damaged, or of another contract.
    """
    contract = settings.contract()
    if bundle_folder is not None:
        version, scorecard = bundle_folder.name, bundle.read(bundle_folder, contract)
    elif against is None:
        version, scorecard = champion_scorecard(settings)
    else:
        return FileReference(reference=by_file(against, settings), scorecard=None)
    profile = scorecard.profile
    if against is not None:
        values, version = matrix(against, contract), against.name
        scores = file_scores(values, scorecard, contract)
        if np.isnan(scores.probability).all():
            problem = f"{against.name}: no row of it can be scored"
            raise NoScorecardError(problem)
        profile = scored_profile(values, scores, scorecard, contract, settings.bin_plan())
    reference = Reference.of(0, version, scorecard.digest, profile, contract)
    return FileReference(reference=reference, scorecard=scorecard)


def chunk_reports(
    table: Table, compared: FileReference, rule: ChunkRule, settings: DriftSettings, time_column: str = ""
) -> list[ChunkReport]:
    """The report of each part, in order.

    Raises:
        TableError: a value is no number or time, or the time column is not there.
        ChunkError: the parts cannot be cut.
    """
    contract, reference, scorecard = settings.contract(), compared.reference, compared.scorecard
    values = matrix(table, contract)
    cells = ApplicationCells(contract, reference).cells(values)
    scores = file_scores(values, scorecard, contract) if scorecard else None
    reporting = settings.rules().reporting
    found = []
    for chunk in chunks(event_times(table, settings, time_column), rule):
        counts = np.bincount(cells[chunk.rows].ravel(), minlength=reference.applications.size)
        tallies = {reporting.applications_topic: TopicCount(n=len(chunk.rows), counts=counts)}
        if scores is not None:
            tallies[reporting.decisions_topic] = scores.count(chunk.rows, reference)
        window = Window(start=chunk.start, end=chunk.end, tallies=tallies, stretches={})
        report = report_of(window, reference, reporting)
        found.append(ChunkReport(report=report, performance=_performance(table, scores, chunk, settings)))
    return found


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
    if any(report.data_quality for report in reports):
        return BAD_DATA
    return CANNOT_SAY if all(report.verdict is Verdict.INSUFFICIENT for report in reports) else 0


def performance_summary(found: Sequence[ChunkReport], now: datetime) -> PerformanceSummary | None:
    """The performance of all parts as page and terminal show it; None without a scorecard."""
    told = tuple(
        ChampionPerformance(
            start=each.report.window_start,
            end=each.report.window_end,
            champion_version=each.report.champion_version,
            final=True,
            performance=each.performance,
        )
        for each in found
        if each.performance is not None
    )
    return PerformanceSummary(as_of=now, age_days=float("inf"), kept=1.0, notes=Notes(), told=told) if told else None


def _performance(table: Table, scores: FileScores | None, chunk: Chunk, settings: DriftSettings) -> Performance | None:
    if scores is None:
        return None
    labelled = settings.contract().label.column in table.rows.columns
    flags = default_flags(table, settings.contract()) if labelled else [None] * len(table)
    known = np.array([each is not None for each in flags], dtype=np.bool_)
    defaulted = np.array([bool(each) for each in flags], dtype=np.bool_)
    return performance(scores.loans(chunk.rows, defaulted, known), SEED)
