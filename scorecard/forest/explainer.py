"""Exact path-dependent Shapley values of a forest, with its margins, in one pass over a batch.

Trees whose tables stay small are looked up (`scorecard.forest.contribution_tables`); deep ones are integrated
(`scorecard.forest.quadrature_attribution`). Both are exact, and both give a row the same bits in every batch.
Columns are the players; their contributions are summed to their feature. Pure.

Memory: `MOST_BYTES` of tables at most, and for integrated trees 8 bytes a node and point; while
explaining, 4 bytes a column and 8 a feature for each of `CHUNK` rows.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from scorecard.forest.contribution_tables import concatenate_tables, table_of
from scorecard.forest.forest import Forest, Nodes
from scorecard.forest.leaf_boxes import Boxes, boxes_of, expectation, order_of
from scorecard.forest.leaf_groups import cells_of, empty_slots, partition_leaves
from scorecard.forest.lookup import Lanes, add_lookups, collect_rows, row_blocks
from scorecard.forest.matrix import MatrixError, readable
from scorecard.forest.quadrature import Rules, points_for, rules_up_to
from scorecard.forest.quadrature_attribution import add_integrals, steps_of

MOST_BYTES: Final = 64 * 2**20
"""Of all tables of a forest; depth 6 x 300 on real rows takes 8 MB, depth 4 x 200 takes 1.3."""

CHUNK: Final = 1024
"""Rows laid out at once: they and their sums stay in a core's second cache."""

BLOCKS: Final[tuple[tuple[int, Lanes], ...]] = ((2, (None,)), (16, (None,) * 16), (CHUNK, (None,) * 64))
"""Rows up to a number, and the lanes for them: a block of 16 costs what two single rows do, one of 64 what three do."""


class Explainer:
    """Margins and contributions of one forest.

    `base_value` is the margin before any column is looked at: the cover-weighted mean.
    """

    def __init__(self, forest: Forest, groups: npt.NDArray[np.int32], features: int) -> None:
        """Works out the tables.

        Args:
            forest: one that passed `check`.
            groups: shape (columns,); the feature of each column.

        Raises:
            MatrixError: the groups are not one feature a column.
        """
        _refuse_groups(forest, groups, features)
        nodes = forest.nodes()
        order = order_of(nodes)
        boxes = boxes_of(nodes, order)
        self._columns, self._features = forest.columns, features
        self._rules = rules_up_to(points_for(int(np.diff(boxes.first).max(initial=1))))
        tables = dict(_tables(nodes, boxes, groups.astype(np.int32), self._rules))
        deep = np.array([tree for tree in range(len(forest.roots)) if tree not in tables], dtype=np.int32)
        self._tables = concatenate_tables(list(tables.values()))
        # Most forests have no deep tree, and then nothing of the integrals is compiled.
        self._steps = steps_of(nodes, order, deep, groups.astype(np.int32), self._rules) if len(deep) else None
        self.base_value = forest.base + float(expectation(boxes))

    @property
    def deep_trees(self) -> int:
        """How many trees are too deep for tables."""
        return len(self._steps.points) if self._steps else 0

    @property
    def table_bytes(self) -> int:
        return int(self._tables.entries.nbytes)

    def explain(self, matrix: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Margins, shape (n,), and contributions, shape (n, features): base value plus a row's sum is its margin.

        Args:
            matrix: shape (n, columns), NaN where missing; any n.

        Raises:
            MatrixError: another type or shape.
        """
        rows = readable(matrix, self._columns)
        margins, contributions = np.empty(len(rows)), np.empty((len(rows), self._features))
        for begin in range(0, len(rows), CHUNK):
            part = slice(begin, begin + CHUNK)
            self._explain(rows[part], margins[part], contributions[part])
        return margins, contributions

    def warm(self) -> None:
        """Compiles, or loads from the cache, every kernel that `explain` may call."""
        for most, _ in BLOCKS:
            self.explain(np.zeros((most, self._columns), dtype=np.float32))

    def _explain(
        self, matrix: npt.NDArray[np.float32], margins: npt.NDArray[np.float64], contributions: npt.NDArray[np.float64]
    ) -> None:
        lanes = next(lanes for most, lanes in BLOCKS if len(matrix) <= most)
        rows = row_blocks(matrix, lanes)
        sums = np.zeros((len(rows.value), self._features, len(lanes)))
        add_lookups(self._tables, rows, lanes, sums)
        if self._steps:
            add_integrals(self._steps, self._rules, rows, lanes, sums)
        collect_rows(sums, self.base_value, margins, contributions)


def _tables(
    nodes: Nodes, boxes: Boxes, feature_of: npt.NDArray[np.int32], rules: Rules
) -> Iterator[tuple[int, Mapping[str, npt.NDArray[Any]]]]:
    """Tables of the trees that get one, by the tree's place, until the memory is spent."""
    slots, spent = empty_slots(), 0
    for tree, root in enumerate(nodes.roots):
        begins = partition_leaves(nodes, boxes, root, slots)
        if len(begins) and spent < MOST_BYTES:
            table = table_of(boxes, cells_of(boxes, begins, slots), feature_of, rules)
            spent += table["entries"].nbytes
            if spent <= MOST_BYTES:
                yield tree, table


def _refuse_groups(forest: Forest, groups: npt.NDArray[np.int32], features: int) -> None:
    if groups.shape != (forest.columns,) or np.any((groups < 0) | (groups >= features)):
        problem = f"{forest.columns} columns need as many features out of {features}, found shape {groups.shape}"
        raise MatrixError(problem)
