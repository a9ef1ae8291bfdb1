"""A figure with its 95 % interval. Pure. `scipy.stats` takes a second to import, so it is imported where it is used."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from schemas.events.performance import Figure

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ENDS: Final = (2.5, 97.5)
Z: Final = float(-special.ndtri(0.025))


def rate(count: int, n: int) -> Figure:
    """A share with Wilson's interval; n at least 1."""
    from scipy import stats

    ends = stats.binomtest(count, n).proportion_ci(0.95, method="wilson")
    return Figure(count / n, float(ends.low), float(ends.high))


def mean_of(values: Floats) -> Figure:
    """The mean of values in [0, 1]."""
    middle = float(values.mean())
    half = Z * float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 1.0
    return Figure(middle, max(0.0, middle - half), min(1.0, middle + half))


def percentile_interval(value: float, drawn: Floats) -> Figure:
    """A value with the interval of what was drawn in its place."""
    low, high = np.percentile(drawn, ENDS)
    return Figure(value, float(low), float(high))
