"""The parts of a split: their uses, shares and least sizes. Pure."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

Parts = npt.NDArray[np.int8]
Labels = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.float64]


class SplitPart(IntEnum):
    """The use of a row; `LEFT_OUT` for none."""

    LEFT_OUT = -1
    SEARCH = 0
    STOPPING = 1
    CALIBRATION = 2
    CUTOFFS = 3
    JUDGEMENT = 4


SHARES: Final = {
    SplitPart.SEARCH: 0.65,
    SplitPart.STOPPING: 0.08,
    SplitPart.CALIBRATION: 0.08,
    SplitPart.CUTOFFS: 0.07,
    SplitPart.JUDGEMENT: 0.12,
}
"""Calibration and cut-offs need some hundreds of rows each, an AUC to .01 some thousand."""

LEAST_OF_A_CLASS: Final = 3
"""In each part: with fewer no curve can be drawn."""


def part_of(position: Positions, shares: Mapping[SplitPart, float]) -> Parts:
    """The part of each position in [0, 1), shape of `position`."""
    ends = np.cumsum(list(shares.values()))[:-1]
    return np.searchsorted(ends, position, side="right").astype(np.int8)


def class_ranks(order: npt.NDArray[np.float64], defaulted: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Rank of each row in its class, as a share in [0, 1)."""
    shares = np.empty(len(order))
    for label in (False, True):
        places = np.flatnonzero(defaulted == label)
        shares[places[np.argsort(order[places], kind="stable")]] = (np.arange(len(places)) + 0.5) / max(len(places), 1)
    return shares


def is_short(parts: Parts, defaulted: Labels) -> bool:
    """Whether a part would have next to none of a class."""
    return any(
        min(int(inside.sum()), len(inside) - int(inside.sum())) < LEAST_OF_A_CLASS
        for inside in (defaulted[parts == part] for part in SHARES)
    )
