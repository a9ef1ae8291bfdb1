"""The leaves of a forest as boxes: the conditions on a row to reach each, and the share of training rows that do.

A path tests some of its columns more than once. Only these matter: for each distinct
column, the interval `(low, high]` that leads to the leaf, whether a missing value does, and the
product of the cover ratios of the column's splits, its *share*. Pure.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.jit import kernel
from scorecard.forest.forest import Nodes


class Order(NamedTuple):
    """Nodes of all trees, parents first, left before right."""

    node: npt.NDArray[np.int32]
    """Shape (nodes,), in that order."""
    level: npt.NDArray[np.int32]
    """Of each node: how many questions lead to it."""
    parent: npt.NDArray[np.int32]
    """Of each node; -1 of a root."""
    tree: npt.NDArray[np.int32]
    """Shape (trees + 1,): where in `node` each tree begins."""
    ratio: npt.NDArray[np.float64]
    """Of each node: the part of its parent's training rows that went to it; 0 where the parent is empty."""


class Boxes(NamedTuple):
    """Leaves in order; leaf `i` has sides `first[i]` to `first[i + 1]`, one for each distinct column of its path."""

    value: npt.NDArray[np.float64]
    first: npt.NDArray[np.int32]
    column: npt.NDArray[np.int32]
    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]
    missing: npt.NDArray[np.bool_]
    share: npt.NDArray[np.float64]
    leaf_of: npt.NDArray[np.int32]
    """Of each node: the first leaf under it."""
    leaves_of: npt.NDArray[np.int32]
    """Of each node: how many leaves are under it."""


@kernel
def order_of(nodes: Nodes) -> Order:
    """Every node once."""
    total = len(nodes.feature)
    order = Order(
        np.empty(total, np.int32),
        np.zeros(total, np.int32),
        np.full(total, -1, np.int32),
        np.zeros(len(nodes.roots) + 1, np.int32),
        np.ones(total),
    )
    waiting = np.empty(total + 1, np.int32)
    count = 0
    for place in range(len(nodes.roots)):
        waiting[0], height = nodes.roots[place], 1
        while height > 0:
            node = waiting[height - 1]
            order.node[count] = node
            count += 1
            height -= 1
            if nodes.feature[node] >= 0:
                _descend(nodes, order, node)
                waiting[height], waiting[height + 1] = nodes.right[node], nodes.left[node]
                height += 2
        order.tree[place + 1] = count
    return order


@kernel
def boxes_of(nodes: Nodes, order: Order) -> Boxes:
    """All leaves, in the order of the nodes."""
    boxes = _without_sides(nodes, order)
    leaf = 0
    for node in order.node:
        boxes.leaf_of[node] = leaf
        if nodes.feature[node] < 0:
            _add_leaf(nodes, order, boxes, leaf, node)
            leaf += 1
    for node in order.node[::-1]:
        if nodes.feature[node] >= 0:
            boxes.leaves_of[node] = boxes.leaves_of[nodes.left[node]] + boxes.leaves_of[nodes.right[node]]
    return boxes


@kernel
def expectation(boxes: Boxes) -> float:
    """The cover-weighted mean of the sum of leaves."""
    total = 0.0
    for leaf in range(len(boxes.value)):
        weighted = boxes.value[leaf]
        for side in range(boxes.first[leaf], boxes.first[leaf + 1]):
            weighted *= boxes.share[side]
        total += weighted
    return total


@kernel
def _descend(nodes: Nodes, order: Order, node: int) -> None:
    cover = nodes.cover[node]
    for child in (nodes.left[node], nodes.right[node]):
        order.level[child] = order.level[node] + 1
        order.parent[child] = node
        order.ratio[child] = nodes.cover[child] / cover if cover > 0.0 else 0.0


@kernel
def _without_sides(nodes: Nodes, order: Order) -> Boxes:
    leaves, sides = 0, 0
    for node in range(len(nodes.feature)):
        if nodes.feature[node] < 0:
            leaves += 1
            sides += order.level[node]
    return Boxes(
        np.empty(leaves),
        np.zeros(leaves + 1, np.int32),
        np.empty(sides, np.int32),
        np.full(sides, -np.inf, np.float32),
        np.full(sides, np.inf, np.float32),
        np.ones(sides, np.bool_),
        np.ones(sides),
        np.empty(len(nodes.feature), np.int32),
        np.ones(len(nodes.feature), np.int32),
    )


@kernel
def _add_leaf(nodes: Nodes, order: Order, boxes: Boxes, leaf: int, node: int) -> None:
    begin = end = boxes.first[leaf]
    child = node
    while order.parent[child] >= 0:
        parent = order.parent[child]
        side = begin
        while side < end and boxes.column[side] != nodes.feature[parent]:
            side += 1
        boxes.column[side] = nodes.feature[parent]
        end = max(end, side + 1)
        _narrow(nodes, boxes, side, child, parent)
        boxes.share[side] *= order.ratio[child]
        child = parent
    boxes.value[leaf] = nodes.value[node]
    boxes.first[leaf + 1] = end


@kernel
def _narrow(nodes: Nodes, boxes: Boxes, side: int, child: int, parent: int) -> None:
    left = nodes.left[parent] == child
    boxes.missing[side] &= nodes.missing_left[parent] == left
    if left:
        boxes.high[side] = min(boxes.high[side], nodes.threshold[parent])
    else:
        boxes.low[side] = max(boxes.low[side], nodes.threshold[parent])
