"""Adds rows of a batch to the counts of their panes: one pass, however many panes and quantities. Pure."""

from typing import Any

from schemas.jit import kernel


@kernel
def add_rows(  # noqa: PLR0913 - a kernel takes arrays
    rows: Any, group: Any, fresh: Any, cells: Any, sums: Any, counts: Any, totals: Any
) -> None:  # pragma: no cover - compiled
    """Count the fresh rows.

    Args:
        rows: places in the batch, shape (m,).
        group: the pane of each, shape (m,).
        fresh: whether each is counted, shape (m,).
        cells: shape (n, k); places counted, -1 for none.
        sums: shape (n, s).
        counts: shape (panes, places); added to.
        totals: shape (panes, s); added to.
    """
    for nth in range(len(rows)):
        if not fresh[nth]:
            continue
        row, pane = rows[nth], group[nth]
        for column in range(cells.shape[1]):
            place = cells[row, column]
            if place >= 0:
                counts[pane, place] += 1
        for column in range(sums.shape[1]):
            totals[pane, column] += sums[row, column]
