"""Sums over one resample of n rows, by machine code: of columns, and of the pairs that an AUC counts.

Pure. A row counts as often as its group was drawn, times its weight. The order of the probabilities is the same in
every resample, so that an AUC takes one pass, ties half (Mann and Whitney 1947).
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.jit import kernel

Floats = npt.NDArray[np.float64]

HEAD: Final = 3
"""Sums before those of columns: weight of defaults, weight of repaid, pairs in order."""


@kernel
def count_draws(drawn: npt.NDArray[np.int64], counts: npt.NDArray[np.float64]) -> None:
    """Set `counts`, shape (groups,), to how often each group is among the drawn, shape (any,)."""
    counts[:] = 0.0
    for group in drawn:
        counts[group] += 1.0


@kernel
def resample_sums(  # noqa: PLR0913 - a kernel takes arrays, and nothing that bundles them
    counts: Floats,
    group: npt.NDArray[np.int64],
    weight: Floats,
    defaulted: npt.NDArray[np.bool_],
    tied: npt.NDArray[np.bool_],
    columns: Floats,
    sums: Floats,
) -> None:
    """Write to `sums`: weight of defaults, weight of repaid, weighted pairs in order, then a sum for each column.

    Args:
        counts: of each group, shape (groups,).
        group: of each row, rows ordered by probability; so are all below. Shape (n,).
        weight: shape (n,).
        defaulted: shape (n,).
        tied: whether a row's probability is that of the row before, shape (n,).
        columns: shape (n, k).
        sums: shape (3 + k,).
    """
    defaults, repaid, pairs = 0.0, 0.0, 0.0
    tie_defaults, tie_repaid = 0.0, 0.0
    sums[:] = 0.0
    for row in range(len(group)):
        if not tied[row]:
            pairs += tie_defaults * (repaid + tie_repaid / 2.0)
            defaults += tie_defaults
            repaid += tie_repaid
            tie_defaults, tie_repaid = 0.0, 0.0
        count = counts[group[row]] * weight[row]
        if count == 0.0:
            continue
        if defaulted[row]:
            tie_defaults += count
        else:
            tie_repaid += count
        for column in range(columns.shape[1]):
            sums[HEAD + column] += count * columns[row, column]
    pairs += tie_defaults * (repaid + tie_repaid / 2.0)
    sums[0], sums[1], sums[2] = defaults + tie_defaults, repaid + tie_repaid, pairs
