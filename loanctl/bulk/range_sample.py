"""Plausible ranges of a large table by a sample of its rows, before any decision on them.

Rows are taken evenly from row groups all over the table: one that is sorted by a field has that field's tail at its
beginning.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from schemas.applications import Matrix
from schemas.tables import arrow_columns
from scorecard.bulk.row_groups import RowGroup, StoredTable
from scorecard.bulk.scorer_package import ScorerPackage
from scorecard.plausible_range import ImplausibleField, implausible_inputs

MOST_GROUPS: Final = 64
"""Row groups that are read: of a million rows each they take seconds."""
MOST_ROWS: Final = 100_000


@dataclass(frozen=True, slots=True)
class RangeSample:
    """Compares a sample of a table with the population of the scorecard that is to decide on it."""

    package: ScorerPackage

    def implausible_fields(self, table: StoredTable) -> list[ImplausibleField]:
        """Scored fields most of whose sampled values lie in one tail.

        Raises:
            TableError: a row cannot be written as an application.
        """
        scorer = self.package.scorer()
        values = np.concatenate(list(self._values(table)))
        return implausible_inputs(scorer.champion.scorecard, scorer.contract, values)

    def _values(self, table: StoredTable) -> Iterator[Matrix]:
        scorer, groups = self.package.scorer(), sampled_groups(table)
        step = max(1, sum(group.rows for group in groups) // MOST_ROWS)
        for group in groups:
            for batch in group.batches(self.package.columns):
                rows = pa.array(np.arange(0, batch.num_rows, step))
                yield arrow_columns.values(scorer.contract, batch.take(rows), scorer.source)


def sampled_groups(table: StoredTable) -> list[RowGroup]:
    """`MOST_GROUPS` at most, evenly over the table."""
    step = max(1.0, len(table.groups) / MOST_GROUPS)
    return [table.groups[int(place * step)] for place in range(min(len(table.groups), MOST_GROUPS))]
