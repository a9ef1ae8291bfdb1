"""Shapley values of a leaf as an integral, and the Gauss-Legendre rules that give it exactly.

With z the share of a leaf's side (`scorecard.forest.leaf_boxes`) and o whether the row satisfies it (1 or 0),
side i of d receives

    value (o_i - z_i) ∫ over t in [0, 1] of Π over j ≠ i of (t o_j + (1 - t) z_j) dt

the path-dependent Shapley value of Lundberg, Erion and Lee (Consistent Individualized Feature
Attribution for Tree Ensembles, 2018), its weights k! (d - k - 1)! / d! written as Beta integrals.
The integrand is a polynomial of degree d - 1 in t, so that ceil(d / 2) points are exact. Pure.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Rules(NamedTuple):
    """Rules on [0, 1]: row n holds the places and weights of n points."""

    place: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]


def points_for(sides: int) -> int:
    """How many points integrate a leaf of so many sides exactly."""
    return (sides + 1) // 2


@lru_cache(maxsize=8)
def rules_up_to(most: int) -> Rules:
    """Rules of up to `most` points.

    By Newton's method in plain floats, not by an eigenvalue routine: the same bits on every machine.
    """
    rules = Rules(np.zeros((most + 1, most + 1)), np.zeros((most + 1, most + 1)))
    for points in range(1, most + 1):
        for place in range(points):
            x, slope = _root(points, place)
            rules.place[points, place] = (1.0 - x) / 2.0
            rules.weight[points, place] = 1.0 / ((1.0 - x * x) * slope * slope)
    return rules


def _root(points: int, place: int) -> tuple[float, float]:
    """A root of the Legendre polynomial, and the slope there."""
    x = math.cos(math.pi * (place + 0.75) / (points + 0.5))
    slope = 1.0
    for _ in range(10):  # the error squares each time: five suffice
        height, slope = _legendre(points, x)
        x -= height / slope
    return x, slope


def _legendre(degree: int, x: float) -> tuple[float, float]:
    last, this = 1.0, x
    for order in range(2, degree + 1):
        last, this = this, ((2 * order - 1) * x * this - (order - 1) * last) / order
    return this, degree * (x * this - last) / (x * x - 1.0)
