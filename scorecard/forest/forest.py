"""A forest of decision trees as plain arrays, whatever library trained it.

Its margin is the base plus one leaf of each tree. A row goes left if its float32 value is at
most the threshold, and for a missing value (NaN) as the node says; infinities compare as
numbers do. Pure. `training.families.family_registry` turns a library's model into one.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.errors import SetupError
from schemas.jit import kernel
from scorecard.forest.matrix import readable

AT_ONCE: Final = 64
"""Rows that go through a tree side by side, so that one's questions need not wait for another's answers."""

LEAF: Final = -1
"""In `feature`, `left` and `right` of a node without children."""

TYPES: Final = {
    "feature": np.int32,
    "threshold": np.float64,
    "left": np.int32,
    "right": np.int32,
    "missing_left": np.bool_,
    "value": np.float64,
    "cover": np.float64,
    "roots": np.int32,
}


class ForestError(SetupError):
    """Arrays that are not those of trees: they must not decide."""


class Nodes(NamedTuple):
    """The arrays of a forest as kernels take them; thresholds are float32, equal in what they part."""

    feature: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.float32]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    missing_left: npt.NDArray[np.bool_]
    value: npt.NDArray[np.float64]
    cover: npt.NDArray[np.float64]
    roots: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees, node by node; a tree's nodes are reached from its root.

    `feature` is the column a node asks about, `left` and `right` its children's places in these
    arrays; all three are `LEAF` in a leaf. `value` is a leaf's share of the margin, 0 elsewhere;
    `cover` is the weight of training rows that reached a node. `base` is added to every margin.
    """

    feature: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.float64]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    missing_left: npt.NDArray[np.bool_]
    value: npt.NDArray[np.float64]
    cover: npt.NDArray[np.float64]
    roots: npt.NDArray[np.int32]
    base: float
    columns: int
    """How many columns a row has; more than any node asks about is allowed."""

    def check(self) -> None:
        """Refuses arrays that no kernel may walk.

        Raises:
            ForestError: a wrong type or shape, a number that is not finite, a link out of the arrays, a node
                reached twice or never; says which.
        """
        for name, kind in TYPES.items():
            _refuse_type(name, getattr(self, name), np.dtype(kind))
        _refuse_lengths(self)
        _refuse_numbers(self)
        _refuse_links(self)
        _refuse_ways(self)

    def nodes(self) -> Nodes:
        """The arrays for kernels, in the one layout that these are compiled for."""
        arrays: dict[str, npt.NDArray[Any]] = {name: _plain(getattr(self, name)) for name in TYPES}
        return Nodes(**{**arrays, "threshold": _single(self.threshold)})


def margins(forest: Forest, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The margin of each row, shape (n,).

    Args:
        forest: one that passed `check`.
        matrix: shape (n, columns), NaN where missing.

    Raises:
        MatrixError: another type or shape.
    """
    return np.asarray(sums_of_leaves(forest.nodes(), readable(matrix, forest.columns), forest.base))


@kernel
def sums_of_leaves(nodes: Nodes, matrix: npt.NDArray[np.float32], base: float) -> npt.NDArray[np.float64]:
    """`margins`, for those who keep the nodes."""
    links, column = _without_ends(nodes)
    return _sums(nodes, links, column, nodes.roots, matrix, base)


@kernel
def sums_of_variants(
    nodes: Nodes, matrix: npt.NDArray[np.float32], varies: npt.NDArray[np.bool_], base: float
) -> npt.NDArray[np.float64]:
    """`sums_of_leaves`, to the same bits, of rows that differ in some columns alone: the rest is asked once.

    Args:
        varies: shape (columns,); False where all rows are equal.
    """
    links, column = _without_ends(nodes)
    if len(matrix) == 0:
        return np.empty(0)
    shortcut = np.arange(len(links))
    for node in range(len(links)):
        place = node
        while nodes.feature[place] >= 0 and not varies[nodes.feature[place]]:
            value = matrix[0, nodes.feature[place]]
            right = (value > nodes.threshold[place]) | (np.isnan(value) & ~nodes.missing_left[place])
            place = links[place, np.int64(right)]
        shortcut[node] = place
    for node in range(len(links)):
        links[node, 0], links[node, 1] = shortcut[links[node, 0]], shortcut[links[node, 1]]
    return _sums(nodes, links, column, shortcut[nodes.roots].astype(np.int32), matrix, base)


@kernel
def _sums(  # noqa: PLR0913 - what a walk needs, in the arrays that a kernel takes
    nodes: Nodes,
    links: npt.NDArray[np.int64],
    column: npt.NDArray[np.uint64],
    roots: npt.NDArray[np.int32],
    matrix: npt.NDArray[np.float32],
    base: float,
) -> npt.NDArray[np.float64]:
    total = np.full(len(matrix), base)
    place = np.empty(AT_ONCE, np.int64)
    for root in roots:
        if links[root, 0] == root:
            total += nodes.value[root]
            continue
        for first in range(0, len(matrix), AT_ONCE):
            lanes = min(AT_ONCE, len(matrix) - first)
            place[:lanes] = root
            moved = True
            while moved:
                moved = False
                for lane in range(lanes):
                    node = np.uint64(place[lane])
                    value = matrix[np.uint64(first + lane), column[node]]
                    right = (value > nodes.threshold[node]) | (np.isnan(value) & ~nodes.missing_left[node])
                    place[lane] = links[node, np.uint64(right)]
                    moved |= np.uint64(place[lane]) != node
            for lane in range(lanes):
                total[first + lane] += nodes.value[place[lane]]
    return total


@kernel
def _without_ends(nodes: Nodes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """Both links of each node, a leaf's to itself, and columns that can always be looked at: walks without branches."""
    links = np.empty((len(nodes.feature), 2), np.int64)
    column = np.zeros(len(nodes.feature), np.uint64)
    for node in range(len(links)):
        leaf = nodes.feature[node] < 0
        links[node, 0] = node if leaf else nodes.left[node]
        links[node, 1] = node if leaf else nodes.right[node]
        column[node] = 0 if leaf else nodes.feature[node]
    return links, column


def _plain(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.require(array, requirements=["C_CONTIGUOUS", "ALIGNED", "WRITEABLE"])


def _single(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The largest float32 that is not above: it parts float32 values just as the threshold does."""
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
        return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)


def _refuse_type(name: str, array: npt.NDArray[Any], kind: np.dtype[Any]) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != kind or array.ndim != 1:
        found = f"{array.dtype}, shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        problem = f"forest: {name} must be one row of {kind}, found {found}"
        raise ForestError(problem)


def _refuse_lengths(forest: Forest) -> None:
    lengths = {name: len(getattr(forest, name)) for name in TYPES if name != "roots"}
    if len(set(lengths.values())) > 1:
        problem = f"forest: arrays of nodes differ in length: {lengths}"
        raise ForestError(problem)


def _refuse_numbers(forest: Forest) -> None:
    for name in ("threshold", "value", "cover"):
        if not np.all(np.isfinite(getattr(forest, name))):
            problem = f"forest: {name} holds numbers that are not finite"
            raise ForestError(problem)
    if np.any(forest.cover < 0.0):
        problem = "forest: cover is negative somewhere"
        raise ForestError(problem)
    if not np.isfinite(forest.base) or forest.columns < 1:
        problem = f"forest: base {forest.base} or columns {forest.columns} cannot be"
        raise ForestError(problem)


def _refuse_links(forest: Forest) -> None:
    nodes = len(forest.feature)
    leaf = forest.feature == LEAF
    if np.any((forest.feature < LEAF) | (forest.feature >= forest.columns)):
        problem = f"forest: a node asks about a column outside 0 to {forest.columns - 1}"
        raise ForestError(problem)
    for name in ("left", "right"):
        links = getattr(forest, name)
        if np.any(links[leaf] != LEAF) or np.any((links[~leaf] < 0) | (links[~leaf] >= nodes)):
            problem = f"forest: {name} points outside the {nodes} nodes, or out of a leaf"
            raise ForestError(problem)
    if np.any((forest.roots < 0) | (forest.roots >= nodes)):
        problem = f"forest: a root is outside the {nodes} nodes"
        raise ForestError(problem)


def _refuse_ways(forest: Forest) -> None:
    """Every node has one way in, and every walk ends: by generations, since a cycle is never reached from a root."""
    inner = forest.feature != LEAF
    entered = np.concatenate([forest.roots, forest.left[inner], forest.right[inner]])
    if np.any(np.bincount(entered, minlength=len(forest.feature)) != 1):
        problem = "forest: a node is reached twice or never"
        raise ForestError(problem)
    reached, generation = 0, forest.roots
    while len(generation):
        reached += len(generation)
        parents = generation[inner[generation]]
        generation = np.concatenate([forest.left[parents], forest.right[parents]])
    if reached != len(forest.feature):
        problem = "forest: nodes form a cycle"
        raise ForestError(problem)
