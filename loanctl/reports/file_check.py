"""Files of applicants as matrices, and as references."""

from dataclasses import replace

import numpy as np

from drift.binning.reference import Reference
from drift.settings import DriftSettings
from loanctl.simulation.loan_tables import Table
from schemas.applications import Matrix, computed_ratios
from schemas.contract.contract import Contract
from schemas.tables import columns
from scorecard.profile import USUAL_BINS, BinPlan, Population, Profile, profile_of


def matrix(table: Table, contract: Contract) -> Matrix:
    """The rows as the contract's matrix, ratios computed; what no level declares is unseen, not refused.

    Raises:
        TableError: a value of a number's column is none.
    """
    return columns.values(contract, table.rows, table.name, table.dialect)


def by_file(table: Table, settings: DriftSettings) -> Reference:
    """A file's own profile, its bins cut at its quantiles."""
    contract = settings.contract()
    profile = features_only(matrix(table, contract), contract, settings.bin_plan())
    return Reference.of(0, table.name, table.digest, profile, contract)


def features_only(values: Matrix, contract: Contract, bins: BinPlan = USUAL_BINS) -> Profile:
    """The profile of applicants without scores; ratios are counted as computed, as those of a scorecard are."""
    n, ratios = len(values), contract.screen(with_pricing=True).ratios
    population = Population(
        values=computed_ratios(ratios, values),
        probability=np.zeros(n),
        contributions=np.zeros((n, 0)),
        reasons=np.full((n, 1), -1, dtype=np.int64),
        outcomes=np.zeros(n, dtype=np.int8),
    )
    return replace(profile_of(contract, (), ("NONE",), population, bins), exact_ratios=bool(ratios))
