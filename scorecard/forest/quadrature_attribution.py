"""Attribution by integration, for trees whose tables would be too large: deep ones.

A walk over the tree carries, for each point of the rule (`scorecard.forest.quadrature`), the product of
the factors of the path's columns, t o + (1 - t) z. At a leaf it is weighted with the leaf's value;
on the way up it is summed, and on leaving a split, divided by that split's own factor,
which gives the contribution of its column for all leaves below at once. A repeated column
replaces its earlier factor. After Yu et al. 2022 (Linear TreeShap), who carry
coefficients of polynomials where these are values at points. Pure.

Memory: `points` numbers a node, and while walking levels times points times lanes.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.jit import inline, kernel
from scorecard.forest.forest import Nodes
from scorecard.forest.leaf_boxes import Order
from scorecard.forest.lookup import Lanes, RowBlocks
from scorecard.forest.quadrature import Rules

LEAST_SHARE: Final = 1e-100
"""In factors, where no training row took a way: it can be divided by, and what it changes is below rounding."""


class Steps(NamedTuple):
    """Nodes of all integrated trees in the order of the walk; what is said of a node is about the way into it."""

    tree: npt.NDArray[np.int32]
    """Where a tree's steps begin; one more at the end."""
    points: npt.NDArray[np.int32]
    """Of each tree: of its rule."""
    level: npt.NDArray[np.int32]
    earlier: npt.NDArray[np.int32]
    """The level of the way that the same column decided before; 0 for none."""
    column: npt.NDArray[np.int32]
    feature: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.float32]
    left: npt.NDArray[np.bool_]
    missing: npt.NDArray[np.bool_]
    """Whether a missing value goes this way."""
    share: npt.NDArray[np.float64]
    """The product of the cover ratios of the column's ways so far."""
    value: npt.NDArray[np.float64]
    leaf: npt.NDArray[np.bool_]
    inverse: npt.NDArray[np.float64]
    """Shape (steps, points): one over the factor of a row that satisfies the column."""


@kernel
def steps_of(
    nodes: Nodes, order: Order, trees: npt.NDArray[np.int32], feature_of: npt.NDArray[np.int32], rules: Rules
) -> Steps:
    """The walk over the trees of these places."""
    steps = _empty(order, trees, rules)
    path = np.empty(len(order.node) + 1, np.int32)
    count = 0
    for place in range(len(trees)):
        most = 0
        for at in range(order.tree[trees[place]], order.tree[trees[place] + 1]):
            node = order.node[at]
            path[order.level[node]] = count
            _add_step(nodes, order, steps, count, node)
            most = max(most, _relate(steps, count, path))
            steps.feature[count] = feature_of[steps.column[count]]
            count += 1
        steps.points[place] = max((most + 1) // 2, 1)
        steps.tree[place + 1] = count
        _invert(steps, place, rules)
    return steps


@kernel
def _empty(order: Order, trees: Any, rules: Rules) -> Steps:
    count = 0
    for tree in trees:
        count += order.tree[tree + 1] - order.tree[tree]
    places = np.zeros((4, count), np.int32)
    truths = np.zeros((3, count), np.bool_)
    return Steps(
        np.zeros(len(trees) + 1, np.int32),
        np.zeros(len(trees), np.int32),
        places[0],
        places[1],
        places[2],
        places[3],
        np.zeros(count, np.float32),
        truths[0],
        truths[1],
        np.ones(count),
        np.zeros(count),
        truths[2],
        np.ones((count, len(rules.place))),
    )


@kernel
def _add_step(nodes: Nodes, order: Order, steps: Steps, step: int, node: int) -> None:
    parent = order.parent[node]
    steps.level[step], steps.leaf[step] = order.level[node], nodes.feature[node] < 0
    steps.value[step] = nodes.value[node]
    if parent >= 0:
        steps.column[step], steps.threshold[step] = nodes.feature[parent], nodes.threshold[parent]
        steps.left[step] = nodes.left[parent] == node
        steps.missing[step] = nodes.missing_left[parent] == steps.left[step]
        steps.share[step] = order.ratio[node]


@kernel
def _relate(steps: Steps, step: int, path: Any) -> int:
    """Ties a step to the earlier one on its column; returns how many distinct columns the path has."""
    distinct = 0
    for level in range(1, steps.level[step] + 1):
        distinct += steps.earlier[path[level]] == 0
        if level < steps.level[step] and steps.column[path[level]] == steps.column[step]:
            steps.earlier[step] = level
    if steps.earlier[step] > 0:
        steps.share[step] *= steps.share[path[steps.earlier[step]]]
    return distinct


@kernel
def _invert(steps: Steps, tree: int, rules: Rules) -> None:
    points = steps.points[tree]
    for step in range(steps.tree[tree], steps.tree[tree + 1]):
        share = max(steps.share[step], LEAST_SHARE)
        for point in range(points):
            place = rules.place[points, point]
            steps.inverse[step, point] = 1.0 / (place + (1.0 - place) * share)


@kernel
def add_integrals(steps: Steps, rules: Rules, rows: RowBlocks, lanes: Lanes, sums: npt.NDArray[np.float64]) -> None:
    """Adds the contributions of all integrated trees to `sums`, shape (blocks, features, lanes)."""
    levels = (steps.level.max() if len(steps.level) else 0) + 1
    # Carried along, by level. Not in a tuple, which would cost more than a step of few rows (`schemas.jit`).
    shape = (levels, len(rules.place), len(lanes))
    product, total = np.ones(shape), np.zeros(shape)
    satisfied = np.ones((levels, len(lanes)))
    way = np.zeros(levels, np.int32)
    for tree in range(len(steps.points)):
        points, end = steps.points[tree], steps.tree[tree + 1]
        rule = (rules.place[points, :points], rules.weight[points, :points])
        for block in range(len(sums)):
            top = 0
            for step in range(steps.tree[tree], end + 1):
                level = steps.level[step] if step < end else 0
                while top >= max(level, 1):
                    _leave(steps, rule, total, satisfied, way, lanes, top, sums[block])
                    top -= 1
                if step < end:
                    _enter(steps, rule, product, total, satisfied, way, lanes, step, rows.value[block])
                top = level


@inline
def _enter(  # noqa: PLR0913 - a kernel takes arrays
    steps: Steps, rule: Any, product: Any, total: Any, satisfied: Any, way: Any, lanes: Lanes, step: int, row: Any
) -> None:
    """Takes a step: from now on it is the way at its level.

    Args:
        rule: places and weights, shape (points,) each.
        product: of the factors on the path, shape (levels, points, lanes).
        total: what the leaves below owe, likewise.
        satisfied: whether a row goes this way at each level, and all of its column's earlier ones: 1 or 0.
        way: the step at each level.
        row: shape (columns, lanes).
    """
    level, earlier = steps.level[step], steps.earlier[step]
    way[level] = step
    if level > 0:
        _answer(steps, satisfied, lanes, step, row)
    share = max(steps.share[step], LEAST_SHARE)
    for point in range(len(rule[0])):
        place, weight = rule[0][point], rule[1][point] * steps.value[step]
        without, met, unmet = (1.0 - place) * share, 1.0, 1.0
        if earlier > 0:
            met, unmet = _inverses(steps, way[earlier], place, point)
        if level > 0:
            for lane in range(len(lanes)):
                before = product[level - 1, point, lane] * (met if satisfied[earlier, lane] > 0.0 else unmet)
                product[level, point, lane] = before * (without + place * satisfied[level, lane])
        for lane in range(len(lanes)):
            total[level, point, lane] = product[level, point, lane] * weight


@inline
def _answer(steps: Steps, satisfied: Any, lanes: Lanes, step: int, row: Any) -> None:
    level, earlier, column = steps.level[step], steps.earlier[step], steps.column[step]
    threshold, left, missing = steps.threshold[step], steps.left[step], steps.missing[step]
    for lane in range(len(lanes)):
        value = row[column, lane]
        goes = missing if np.isnan(value) else (value <= threshold) == left
        # Level 0 is satisfied by all, so it stands for no earlier way.
        satisfied[level, lane] = satisfied[earlier, lane] if goes else 0.0


@inline
def _inverses(steps: Steps, step: int, place: float, point: int) -> tuple[float, float]:
    """One over the factor of a row that satisfies the step, and of one that does not."""
    return steps.inverse[step, point], 1.0 / ((1.0 - place) * max(steps.share[step], LEAST_SHARE))


@inline
def _leave(  # noqa: PLR0913 - a kernel takes arrays
    steps: Steps, rule: Any, total: Any, satisfied: Any, way: Any, lanes: Lanes, level: int, sums: Any
) -> None:
    """Gives the column what the leaves below owe to its factor here, less what they owed to an earlier one."""
    at, sign = level, 1.0
    while at > 0:
        step = way[at]
        share, feature = steps.share[step], steps.feature[step]
        for point in range(len(rule[0])):
            met, unmet = _inverses(steps, step, rule[0][point], point)
            gain, loss = sign * (1.0 - share) * met, -sign * share * unmet
            for lane in range(len(lanes)):
                sums[feature, lane] += total[level, point, lane] * (gain if satisfied[at, lane] > 0.0 else loss)
        at, sign = (steps.earlier[step], -1.0) if at == level else (0, 0.0)
    for point in range(len(rule[0])):
        for lane in range(len(lanes)):
            total[level - 1, point, lane] += total[level, point, lane]
