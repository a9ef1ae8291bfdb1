"""Proportions of small and large groups: intervals, ratios and tests of a difference.

Pure. Wilson's interval (1927); the ratio's interval is made of both (Donner and Zou, *Closed-form confidence intervals
for functions of the normal mean and standard deviation*, 2012), as Newcombe's (1998) is for a difference.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

Z: Final = 1.959963984540054
"""Of a 95 % interval."""
EXACT_BELOW: Final = 10.0
"""Least expected count of a two-by-two table from which the normal approximation is used; below it Fisher's test."""


@dataclass(frozen=True, slots=True)
class Proportion:
    """So many of so many."""

    hits: int
    people: int

    @property
    def share(self) -> float:
        """In [0, 1]; NaN of nobody."""
        return self.hits / self.people if self.people else math.nan

    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval, in [0, 1]; NaN of nobody."""
        if not self.people:
            return math.nan, math.nan
        square = Z**2 / self.people
        spread = Z * math.sqrt((self.share * (1.0 - self.share) + square / 4.0) / self.people)
        middle = self.share + square / 2.0
        return max((middle - spread) / (1.0 + square), 0.0), min((middle + spread) / (1.0 + square), 1.0)


def ratio_interval(one: Proportion, other: Proportion) -> tuple[float, float]:
    """95 % interval of one share over the other; NaN where the other is zero or nobody's."""
    if not one.people or not other.people or not other.hits:
        return math.nan, math.nan
    p, q = one.share, other.share
    (p_low, p_high), (q_low, q_high) = one.interval(), other.interval()
    low = _ratio_end(p * q, p_low * q_high * (2.0 * p - p_low) * (2.0 * q - q_high), -1.0, q_high * (2.0 * q - q_high))
    high = _ratio_end(p * q, p_high * q_low * (2.0 * p - p_high) * (2.0 * q - q_low), 1.0, q_low * (2.0 * q - q_low))
    return low, high


def _ratio_end(product: float, inside: float, sign: float, divisor: float) -> float:
    if divisor <= 0.0:
        return 0.0 if sign < 0.0 else math.inf
    return max((product + sign * math.sqrt(max(product**2 - inside, 0.0))) / divisor, 0.0)


def difference_p(one: Proportion, other: Proportion) -> float:
    """Two-sided p of a difference of two shares: Fisher's exact test of small tables, else the two-proportion z test.

    NaN where one is nobody's.
    """
    if not one.people or not other.people:
        return math.nan
    people, hits = one.people + other.people, one.hits + other.hits
    least = min(one.people, other.people) * min(hits, people - hits) / people
    if least < EXACT_BELOW:
        from scipy.stats import fisher_exact

        table = np.array([[each.hits, each.people - each.hits] for each in (one, other)])
        return float(fisher_exact(table).pvalue)
    pooled = hits / people
    error = math.sqrt(pooled * (1.0 - pooled) * (1.0 / one.people + 1.0 / other.people))
    return two_sided_p((one.share - other.share) / error)


def two_sided_p(z: float) -> float:
    """Of a standard normal figure; NaN of NaN."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def holm(p_values: Sequence[float]) -> list[float]:
    """The same, adjusted so that all of them together keep the level (Holm 1979); NaN stays and counts for none."""
    given = np.array(p_values, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    given[order] = np.minimum(np.maximum.accumulate(given[order] * factors), 1.0)
    return [float(each) for each in given]
