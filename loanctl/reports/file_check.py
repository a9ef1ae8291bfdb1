"""A file judged as one window: for pipelines that must stop on drift, without Kafka."""

import numpy as np

from drift.binning.binner import ApplicationCells
from drift.binning.reference import Reference
from drift.detection.drift_report import report_of
from drift.settings import DriftSettings
from drift.windows.window import TopicCount, Window
from loanctl.reports.report_recompute import reference_of
from loanctl.simulation.loan_tables import Table
from schemas.applications import Matrix
from schemas.contract.contract import Contract
from schemas.errors import SetupError
from schemas.events.drift import DriftReport
from schemas.tables import columns
from scorecard.profile import USUAL_BINS, BinPlan, Population, Profile, profile_of


class NoReferenceError(SetupError):
    """There is nothing to measure the file against."""


def check_file(table: Table, against: Table | None, settings: DriftSettings) -> DriftReport:
    """The report of a file's rows, all in one window.

    Args:
        against: the reference; the champion's profile where None.

    Raises:
        NoReferenceError: there is no champion.
        OutageError: MLflow is away.
    """
    contract, rules = settings.contract(), settings.rules()
    reference = by_file(against, settings) if against else by_champion(settings)
    cells = ApplicationCells(contract, reference)
    values = matrix(table, contract)
    counts = np.bincount(cells.cells(values).ravel(), minlength=cells.shape.cells)
    tally = TopicCount(n=len(values), counts=counts)
    window = Window(start=0, end=1, tallies={rules.reporting.applications_topic: tally}, stretches={})
    return report_of(window, reference, rules.reporting)


def matrix(table: Table, contract: Contract) -> Matrix:
    """The rows as the contract's matrix, ratios computed; what no level declares is unseen, not refused.

    Raises:
        TableError: a value of a number's column is none.
    """
    return columns.values(contract, table.rows, table.name, table.dialect)


def by_champion(settings: DriftSettings) -> Reference:
    """The champion's profile.

    Raises:
        NoReferenceError: there is no champion.
    """
    registry = settings.model_registry()
    champion = registry.champion()
    if champion is None:
        problem = f"{registry.name} has no champion: train one, or name a file by --against"
        raise NoReferenceError(problem)
    return reference_of(champion.version, champion.digest, settings)


def by_file(table: Table, settings: DriftSettings) -> Reference:
    """A file's own profile, its bins cut at its quantiles."""
    contract = settings.contract()
    profile = features_only(matrix(table, contract), contract, settings.bin_plan())
    return Reference.of(0, table.name, table.digest, profile, contract)


def features_only(values: Matrix, contract: Contract, bins: BinPlan = USUAL_BINS) -> Profile:
    """The profile of applicants whom nobody has scored."""
    n = len(values)
    population = Population(
        values=values,
        probability=np.zeros(n),
        contributions=np.zeros((n, 0)),
        reasons=np.full((n, 1), -1, dtype=np.int64),
        outcomes=np.zeros(n, dtype=np.int8),
    )
    return profile_of(contract, (), ("NONE",), population, bins)
