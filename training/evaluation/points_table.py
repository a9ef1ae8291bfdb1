"""Points of an additive scorecard: what each bin of each feature adds to an applicant's points.

Points rise as risk falls: `AT_ODDS` good loans to one bad are `POINTS`, and `DOUBLE` more double the odds (Siddiqi,
*Credit Risk Scorecards*, 2006, chapter 6). They are of the margin, before calibration. The constant is spread evenly
over the features, as is usual, so that an applicant's points are the sum of one number a feature. Pure.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.contract.fields import Field, Kind
from schemas.events.decisions import ContributionSpace
from scorecard.features import FeatureSpace
from scorecard.forest.forest import Forest, margins

POINTS: Final = 600.0
AT_ODDS: Final = 30.0
DOUBLE: Final = 20.0
FACTOR: Final = DOUBLE / math.log(2.0)


@dataclass(frozen=True, slots=True)
class BinPoints:
    feature: str
    bin: str
    log_odds: float
    """Of default, that it adds."""
    points: float


def scaled_points(log_odds: float) -> float:
    """Points of an applicant with these log-odds of default."""
    return POINTS - FACTOR * (log_odds + math.log(AT_ODDS))


def points_table(forest: Forest, space: FeatureSpace, unit: ContributionSpace) -> tuple[BinPoints, ...]:
    """All bins in the contract's order; none for a scorecard that is not additive in its features.

    Args:
        unit: of its margins; points are of log-odds.
    """
    owners = [_owner(forest, space, root) for root in forest.roots.tolist()]
    if unit is not ContributionSpace.LOG_ODDS or None in owners:
        return ()
    constant = scaled_points(forest.base) / max(len(set(owners)), 1)
    return tuple(
        BinPoints(field.name, name, weight, constant - FACTOR * weight)
        for place, field in enumerate(space.fields)
        if place in owners
        for name, weight in _bins(forest, space, field, np.array([owner == place for owner in owners]))
    )


def _owner(forest: Forest, space: FeatureSpace, root: int) -> int | None:
    """The feature that a tree asks about; None where there are several."""
    found, waiting = set(), [root]
    while waiting:
        node = waiting.pop()
        if forest.feature[node] >= 0:
            found.add(int(space.groups[forest.feature[node]]))
            waiting += [int(forest.left[node]), int(forest.right[node])]
    return found.pop() if len(found) == 1 else None


def _bins(forest: Forest, space: FeatureSpace, field: Field, own: npt.NDArray[np.bool_]) -> Iterator[tuple[str, float]]:
    """Name and weight of each bin of a feature; `own` marks its trees."""
    names, rows = _level_rows(space, field) if field.kind is Kind.CATEGORY else _number_rows(forest, space, field)
    weights = margins(replace(forest, roots=forest.roots[own], base=0.0), rows)
    yield from zip(names, weights.tolist(), strict=True)


def _level_rows(space: FeatureSpace, field: Field) -> tuple[list[str], npt.NDArray[np.float32]]:
    levels = list(space.levels[field.name])
    rows = np.zeros((len(levels) + 1, len(space.columns)), dtype=np.float32)
    first = space.columns.index(f"{field.name}={levels[0]}")
    rows[np.arange(len(levels)), first + np.arange(len(levels))] = 1.0
    return [*levels, "none of these"], rows


def _number_rows(forest: Forest, space: FeatureSpace, field: Field) -> tuple[list[str], npt.NDArray[np.float32]]:
    column = space.columns.index(field.name)
    asked = forest.threshold[(forest.feature == column) & (forest.threshold > np.finfo(np.float32).min)]
    edges = np.unique(asked)
    rows = np.zeros((len(edges) + 2, len(space.columns)), dtype=np.float32)
    # A row a bin: just under its upper edge, above the last, and missing.
    rows[: len(edges), column] = np.nextafter(edges.astype(np.float32), np.float32(-np.inf))
    rows[len(edges), column] = np.finfo(np.float32).max
    rows[-1, column] = np.nan
    ends = [f"{edge:g}" for edge in edges]
    between = [f"over {low} to {high}" for low, high in pairwise(ends)]
    plain = [f"up to {ends[0]}", *between, f"over {ends[-1]}"] if ends else ["any"]
    return [*plain, "missing"], rows
