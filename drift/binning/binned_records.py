"""Records of a range of one partition: signing time, application id and bins of each.

Pure. `drift.binning.binner` makes these from applications and decisions; `drift.windows.panes` counts them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NO_TIME: Final = -(2**62)
"""Watermark and horizon before anything was read: far enough from the edge of int64 to subtract from."""

MILLIONTHS: Final = 1_000_000
"""Sums are kept in millionths: integers add to the same whatever the order, floats do not."""


@dataclass(frozen=True, slots=True)
class Observations:
    """Records of one partition as columns of n rows, offsets rising.

    `times` is the event time, `produced` the record's own timestamp, milliseconds since 1970. `cells`
    has shape (n, k): the places a record adds one to, -1 for none. `sums` has shape (n, s), in
    millionths. If `readable` is false, times, ids, cells and sums have no meaning.
    """

    offsets: Integers
    times: Integers
    produced: Integers
    ids: Sequence[str]
    cells: Integers
    sums: Integers
    readable: Flags
    producers: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Place of each record's producer among those told apart, -1 for none; empty if none are."""

    def rows(self, kept: Flags) -> "Observations":
        """Some of them."""
        return Observations(
            offsets=self.offsets[kept],
            times=self.times[kept],
            produced=self.produced[kept],
            ids=[self.ids[row] for row in np.flatnonzero(kept).tolist()],
            cells=self.cells[kept],
            sums=self.sums[kept],
            readable=self.readable[kept],
            producers=self.producers[kept] if len(self.producers) else self.producers,
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """How many places and sums are counted."""

    cells: int
    sums: int = 0
    producers: int = 0
