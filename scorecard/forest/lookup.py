"""Row lookup in the tables of `scorecard.forest.contribution_tables`: comparisons and additions, without a branch.

Rows come in blocks of `lanes`, with columns separate, so that each comparison is made for a whole block
at once. Pure.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.jit import inline, kernel
from scorecard.forest.contribution_tables import Tables

Lanes = tuple[None, ...]
"""As many as a block has rows. A tuple, because its length is a constant to the compiler, which then
knows the length of every inner loop: five times the speed of loops that end at a variable."""


class RowBlocks(NamedTuple):
    """Rows laid out for kernels; the last block is filled up with zeros."""

    value: npt.NDArray[np.float32]
    """Shape (blocks, columns, lanes)."""
    gap: npt.NDArray[np.bool_]
    """Shape (columns,): whether any row misses the value."""


@kernel
def row_blocks(matrix: npt.NDArray[np.float32], lanes: Lanes) -> RowBlocks:
    count, columns = matrix.shape
    wide = len(lanes)
    rows = RowBlocks(np.zeros(((count + wide - 1) // wide, columns, wide), np.float32), np.zeros(columns, np.bool_))
    for row in range(count):
        for column in range(columns):
            value = matrix[row, column]
            rows.value[row // wide, column, row % wide] = value
            rows.gap[column] |= np.isnan(value)
    return rows


@kernel
def add_lookups(tables: Tables, rows: RowBlocks, lanes: Lanes, sums: npt.NDArray[np.float64]) -> None:
    """Adds the contributions of all tabulated trees to `sums`, shape (blocks, features, lanes)."""
    places = np.empty(len(lanes), np.int32)
    for tree in range(len(tables.tree) - 1):
        for block in range(len(sums)):  # a tree's table stays in the cache while all rows pass
            for group in range(tables.tree[tree], tables.tree[tree + 1]):
                _find(tables, group, rows.value[block], lanes, places)
                _find_missing_rows(tables, group, rows, block, places)
                _collect(tables, group, places, lanes, sums[block])


@inline
def _find(tables: Tables, group: int, row: Any, lanes: Lanes, places: Any) -> None:
    for lane in range(len(lanes)):
        places[lane] = tables.origin[group]
    for condition in range(tables.condition[group], tables.condition[group + 1]):
        column, threshold, step = tables.column[condition], tables.threshold[condition], tables.step[condition]
        for lane in range(len(lanes)):
            places[lane] += step if row[column, lane] > threshold else np.int32(0)


@inline
def _find_missing_rows(tables: Tables, group: int, rows: RowBlocks, block: int, places: Any) -> None:
    for move in range(tables.gap[group], tables.gap[group + 1]):
        column, step = tables.gap_column[move], tables.gap_step[move]
        if rows.gap[column]:
            for lane in range(len(places)):
                places[lane] += step if np.isnan(rows.value[block, column, lane]) else np.int32(0)


@inline
def _collect(tables: Tables, group: int, places: Any, lanes: Lanes, sums: Any) -> None:
    first = tables.part[group]
    for part in range(first, tables.part[group + 1]):
        feature = tables.feature[part]
        for lane in range(len(lanes)):
            # Unsigned: a signed place might count from the end, and asking costs more than adding.
            sums[feature, lane] += tables.entries[np.uint64(places[lane] + (part - first))]


@kernel
def collect_rows(
    sums: npt.NDArray[np.float64],
    base: float,
    margins: npt.NDArray[np.float64],
    contributions: npt.NDArray[np.float64],
) -> None:
    """Writes sums of shape (blocks, features, lanes) to rows, and each row's margin."""
    features, lanes = sums.shape[1:]
    for row in range(len(margins)):
        margins[row] = base
        for feature in range(features):
            contributions[row, feature] = sums[row // lanes, feature, row % lanes]
            margins[row] += contributions[row, feature]
