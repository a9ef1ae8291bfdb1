"""A figure with its 95 % interval.

Pure. `scipy.stats` takes a second to import, so Wilson's interval is written out here, to the same bits.
"""

from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from schemas.events.performance import Figure

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ENDS: Final = (2.5, 97.5)
Z: Final = float(-special.ndtri(0.025))
TWO_SIDED_Z: Final = float(special.ndtri(0.5 + 0.5 * 0.95))
"""The same, as `scipy.stats` has it: another last bit."""


def rate(count: int, n: int) -> Figure:
    """A share with Wilson's interval (1927, as of Newcombe 1998, method 3); n at least 1."""
    share = count / n
    scale = 2 * (n + TWO_SIDED_Z**2)
    middle = (2 * n * share + TWO_SIDED_Z**2) / scale
    half = TWO_SIDED_Z / scale * sqrt(4 * n * share * (1 - share) + TWO_SIDED_Z**2)
    return Figure(share, 0.0 if count == 0 else middle - half, 1.0 if count == n else middle + half)


def mean_of(values: Floats) -> Figure:
    middle = float(values.mean())
    half = Z * float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 1.0
    return Figure(middle, max(0.0, middle - half), min(1.0, middle + half))


def percentile_interval(value: float, drawn: Floats) -> Figure:
    """A value with the interval of what was drawn in its place."""
    low, high = np.percentile(drawn, ENDS)
    return Figure(value, float(low), float(high))
