"""Bins of values that are at hand as a matrix: records go through `drift.binning.binner`. Pure."""

import numpy as np

from drift.binning.binned_records import Integers
from drift.binning.reference import Reference
from schemas.applications import Matrix, invalid
from schemas.contract.contract import Contract


def value_cells(values: Matrix, contract: Contract, reference: Reference) -> Integers:
    """The place of each value, shape (n, fields of the reference's profile).

    Args:
        values: shape (n, observed fields of the contract).
        reference: whose bins count, of some of these fields.
    """
    layout, values = reference.applications, reference.profile.counted_values(contract, values)
    wrong = invalid(contract, values)
    found = np.empty((len(values), len(layout.binned)), dtype=np.int64)
    for place, binned in enumerate(layout.binned):
        column = contract.position[binned.name]
        found[:, place] = binned.places(values[:, column], wrong[:, column]) + layout.starts[place]
    return found
