"""A season to declare: last year's applicants of it from a file, in the bins of the champion's profile."""

from datetime import datetime
from pathlib import Path

import numpy as np

from drift.binning.binner import ApplicationCells
from drift.detection.usual_week import usual_week
from drift.settings import DriftSettings
from loanctl.reports.champion_reference import by_champion
from loanctl.reports.file_check import matrix
from loanctl.simulation import loan_tables
from schemas.applications import Matrix
from schemas.errors import SetupError
from schemas.events.drift import Season, SeasonCounts, UsualWeek
from schemas.tables import columns
from schemas.tables.times import NO_TIME


class NoSeasonError(SetupError):
    """What was named is no season."""


def week_of_file(file: Path, settings: DriftSettings) -> UsualWeek:
    """The usual week of a file's applicants, by their event times in the agent's time zone.

    Raises:
        SetupError: rows without times, too few applicants, or no champion.
        OutageError: MLflow is away.
    """
    contract, reference = settings.contract(), by_champion(settings)
    table = loan_tables.read(file, contract, settings.table_dialect())
    times = columns.times(contract, table.rows, str(file))
    if (times == NO_TIME).any():
        problem = f"{file}: {int((times == NO_TIME).sum())} rows have no event time, and so no hour of the week"
        raise NoSeasonError(problem)
    values = _enough(matrix(table, contract), file, settings)
    return usual_week(ApplicationCells(contract, reference).cells(values), times, reference, settings.window_time_zone)


def of_file(file: Path, start: datetime, end: datetime, settings: DriftSettings) -> Season:
    """The season whose applicants the file holds.

    Args:
        file: CSV or Parquet with the contract's columns.
        start: of the season to come, inclusive.
        end: exclusive.
        settings: of the drift agent: whom it watches, and how few applicants it judges.

    Raises:
        SetupError: an empty period, too few applicants, or no champion.
        OutageError: MLflow is away.
    """
    if start >= end:
        problem = f"a season must end after it begins: {start} to {end}"
        raise NoSeasonError(problem)
    contract, reference = settings.contract(), by_champion(settings)
    values = _enough(matrix(loan_tables.read(file, contract, settings.table_dialect()), contract), file, settings)
    cells, layout = ApplicationCells(contract, reference), reference.applications
    counts = np.bincount(cells.cells(values).ravel(), minlength=cells.shape.cells)
    return Season(
        start=start,
        end=end,
        reference_id=reference.reference_id,
        counts=tuple(
            SeasonCounts(feature=binned.name, counts=tuple(layout.counts_of(place, counts).tolist()))
            for place, binned in enumerate(layout.binned)
        ),
    )


def _enough(values: Matrix, file: Path, settings: DriftSettings) -> Matrix:
    if len(values) < settings.minimum_n:
        problem = f"{file}: {len(values)} applicants are too few to compare with, {settings.minimum_n} are needed"
        raise NoSeasonError(problem)
    return values
