"""Bins of numbers, and the numbers in millionths: one pass over all quantities of a batch. Pure.

`scorecard.profile.BinnedQuantity.places` says the same, one quantity at a time; a test holds both to it.
"""

import math
from typing import Any, Final

from drift.binning.binned_records import MILLIONTHS
from schemas.jit import kernel

ABSURD: Final = 1e6
"""No probability, and no contribution in log-odds, is as large; what damaged bytes hold shall not overflow a sum."""
UNITS: Final = float(MILLIONTHS)


@kernel
def bin_numbers(  # noqa: PLR0913 - a kernel takes arrays
    values: Any, edges: Any, first_edges: Any, starts: Any, cells: Any, sums: Any
) -> None:  # pragma: no cover - compiled
    """Fill the first columns of `cells` and `sums`.

    Args:
        values: shape (n, quantities); NaN for none.
        edges: of all quantities, one after the other.
        first_edges: shape (quantities + 1,); where each one's begin.
        starts: place of each one's first bin.
        cells: shape (n, quantities or more).
        sums: likewise; a value in millionths, 0 for none.
    """
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            value = values[row, column]
            low, high = first_edges[column], first_edges[column + 1]
            begin = low
            if math.isnan(value):
                # Behind the plain bins, of which there is one more than edges: MISSING.
                cells[row, column] = starts[column] + high - begin + 1
                sums[row, column] = 0
                continue
            while low < high:
                middle = (low + high) // 2
                if edges[middle] < value:
                    low = middle + 1
                else:
                    high = middle
            cells[row, column] = starts[column] + low - begin
            sums[row, column] = round(min(max(value, -ABSURD), ABSURD) * UNITS)
