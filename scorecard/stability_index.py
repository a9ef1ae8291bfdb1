"""The population stability index's two halves: shares of counts, and the distance of two shares. Pure.

The symmetrised Kullback-Leibler divergence (Jeffreys 1946); its use on scorecards is Siddiqi, *Credit Risk Scorecards*,
2006. `drift.detection.statistics` judges windows by it.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

HALF_COUNT: Final = 0.5
"""Added to every bin, so that an empty bin gives a large index instead of an infinite one."""


def smooth_shares(counts: Counts) -> Shares:
    """Shares of counts, half a count added to each; shape of `counts`."""
    raised = counts + HALF_COUNT
    return np.asarray(raised / raised.sum(), dtype=np.float64)


def jeffreys(expected: Shares, actual: Shares) -> float:
    """The distance of two shares of the same bins, none of them zero; nats."""
    return float(np.sum((actual - expected) * np.log(actual / expected)))
