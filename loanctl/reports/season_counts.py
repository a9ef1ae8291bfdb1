"""A season to declare: last year's applicants of it from a file, in the bins of the champion's profile."""

from datetime import datetime
from pathlib import Path

import numpy as np

from drift.binning.binner import ApplicationCells
from drift.settings import DriftSettings
from loanctl.reports.file_check import by_champion, matrix
from loanctl.simulation import loan_tables
from schemas.errors import SetupError
from schemas.events.drift import Season, SeasonCounts


class NoSeasonError(SetupError):
    """What was named is no season."""


def of_file(file: Path, start: datetime, end: datetime, settings: DriftSettings) -> Season:
    """The season whose applicants the file holds.

    Args:
        file: CSV or Parquet with the contract's columns.
        start: of the season to come, inclusive.
        end: exclusive.
        settings: of the drift agent: whom it watches, and how few applicants it judges.

    Raises:
        SetupError: no time lies between, too few applicants, or no champion.
        OutageError: MLflow is away.
    """
    if start >= end:
        problem = f"a season must end after it begins: {start} to {end}"
        raise NoSeasonError(problem)
    contract, reference = settings.contract(), by_champion(settings)
    values = matrix(loan_tables.read(file, contract, settings.table_dialect()), contract)
    if len(values) < settings.minimum_n:
        problem = f"{file}: {len(values)} applicants are too few to compare with, {settings.minimum_n} are needed"
        raise NoSeasonError(problem)
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
