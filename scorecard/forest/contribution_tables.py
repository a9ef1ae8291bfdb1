"""Contribution tables: for a group of leaves, the contributions in each of the group's states.

A row's state in a group (`scorecard.forest.leaf_groups`) is an index into the group's table, which contains the exact
contributions of all its leaves, summed by feature. Explaining a row then costs, for each
group, finding the index and adding a few numbers (`scorecard.forest.lookup`). Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.jit import kernel
from scorecard.forest.leaf_boxes import Boxes
from scorecard.forest.leaf_groups import Cells
from scorecard.forest.quadrature import Rules


class Tables(NamedTuple):
    """Groups of all tabulated trees; of places where something begins there is one more, the end."""

    tree: npt.NDArray[np.int32]
    """Where a tree's groups begin."""
    origin: npt.NDArray[np.int32]
    """Where a group's entries begin: the place of state 0."""
    condition: npt.NDArray[np.int32]
    """Where a group's conditions begin."""
    column: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.float32]
    step: npt.NDArray[np.int32]
    """By which the place moves where the column's value exceeds the threshold."""
    gap: npt.NDArray[np.int32]
    """Where a group's moves for missing values begin."""
    gap_column: npt.NDArray[np.int32]
    gap_step: npt.NDArray[np.int32]
    part: npt.NDArray[np.int32]
    """Where the parts of a group's states begin: one number for each distinct feature."""
    feature: npt.NDArray[np.int32]
    """Of each part."""
    entries: npt.NDArray[np.float64]


class TableLayout(NamedTuple):
    """Where the numbers of one tree's groups lie."""

    part: npt.NDArray[np.int32]
    feature: npt.NDArray[np.int32]
    part_of: npt.NDArray[np.int32]
    """Of each slot: the part of a state to which its column's feature belongs."""
    origin: npt.NDArray[np.int32]
    stride: npt.NDArray[np.int32]
    """Of each slot: how far apart its states lie."""


BEGINS: Final = {"origin": "entries", "condition": "column", "gap": "gap_column", "part": "feature"}
"""Arrays of places where something begins, and the array that they are places in."""

NUMBERS: Final = {"threshold": np.float32, "entries": np.float64}
"""Arrays that hold no places."""


def table_of(
    boxes: Boxes, cells: Cells, feature_of: npt.NDArray[np.int32], rules: Rules
) -> Mapping[str, npt.NDArray[Any]]:
    """The table of one tree, by the names of `Tables`, its places counted from its own beginnings."""
    layout = layout_of(cells, feature_of)
    slots = cells.slot[-1]
    condition, missing = cells.condition[: slots + 1], cells.missing[:slots]
    slot_of, moved = np.repeat(np.arange(slots), np.diff(condition)), missing != 0
    return {
        "origin": layout.origin,
        "condition": condition[cells.slot],
        "column": cells.column[slot_of],
        "threshold": cells.threshold[: condition[-1]],
        "step": cells.change[: condition[-1]] * layout.stride[slot_of],
        "gap": np.concatenate([[0], np.cumsum(moved)])[cells.slot],
        "gap_column": cells.column[:slots][moved],
        "gap_step": (missing * layout.stride)[moved],
        "part": layout.part,
        "feature": layout.feature,
        "entries": entries_of(boxes, cells, layout, rules),
    }


def concatenate_tables(trees: Sequence[Mapping[str, npt.NDArray[Any]]]) -> Tables:
    arrays = {name: _concatenate(name, trees) for name in Tables._fields if name != "tree"}
    groups = [len(tree["origin"]) - 1 for tree in trees]
    return Tables(tree=np.cumsum([0, *groups]).astype(np.int32), **arrays)


def _concatenate(name: str, trees: Sequence[Mapping[str, npt.NDArray[Any]]]) -> npt.NDArray[Any]:
    parts = [tree[name] for tree in trees]
    if name in BEGINS:
        starts = np.cumsum([0] + [len(tree[BEGINS[name]]) for tree in trees])
        parts = [part[:-1] + start for part, start in zip(parts, starts[:-1], strict=True)] + [starts[-1:]]
    kind = NUMBERS.get(name, np.int32)
    return np.concatenate([np.empty(0, kind), *parts]).astype(kind)


@kernel
def layout_of(cells: Cells, feature_of: npt.NDArray[np.int32]) -> TableLayout:
    """Where the numbers of one tree's groups will lie."""
    groups, slots = len(cells.leaf) - 1, cells.slot[-1]
    begins, places = np.zeros((2, groups + 1), np.int32), np.empty((3, slots), np.int32)
    layout = TableLayout(begins[0], places[0], places[1], begins[1], places[2])
    for group in range(groups):
        first = end = layout.part[group]
        for slot in range(cells.slot[group], cells.slot[group + 1]):
            at, feature = first, feature_of[cells.column[slot]]
            while at < end and layout.feature[at] != feature:
                at += 1
            layout.feature[at], layout.part_of[slot] = feature, at - first
            end = max(end, at + 1)
        size = end - first
        for slot in range(cells.slot[group], cells.slot[group + 1]):
            layout.stride[slot] = size
            size *= cells.states[slot]
        layout.part[group + 1], layout.origin[group + 1] = end, layout.origin[group] + size
    return TableLayout(layout.part, layout.feature[: layout.part[-1]], layout.part_of, layout.origin, layout.stride)


@kernel
def entries_of(boxes: Boxes, cells: Cells, layout: TableLayout, rules: Rules) -> npt.NDArray[np.float64]:
    entries = np.zeros(layout.origin[-1])
    for group in range(len(cells.leaf) - 1):
        for leaf in range(cells.leaf[group], cells.leaf[group + 1]):
            patterns = patterns_of(boxes, leaf, rules)
            slots = _slots_of(boxes, leaf, cells, group)
            _add_leaf(patterns, slots, _bits(boxes, leaf, cells, slots), (cells, layout, group), entries)
    return entries


@kernel
def patterns_of(boxes: Boxes, leaf: int, rules: Rules) -> npt.NDArray[np.float64]:
    """One leaf's contribution to each of its sides, for each set of sides satisfied; bit j of the row is side j."""
    first, sides = boxes.first[leaf], boxes.first[leaf + 1] - boxes.first[leaf]
    patterns, factors = np.zeros((1 << sides, sides)), np.empty((3, sides))
    for pattern in range(1 << sides):
        for side in range(sides):
            factors[0, side] = 1.0 if (pattern >> side) & 1 else 0.0
            factors[1, side] = boxes.share[first + side]
        _add_shapley(factors, rules, boxes.value[leaf], patterns[pattern])
    return patterns


@kernel
def _add_shapley(factors: Any, rules: Rules, value: float, found: Any) -> None:
    """The integral of `scorecard.forest.quadrature`; factors are o, z and room for the products before each side."""
    sides = factors.shape[1]
    points = (sides + 1) // 2
    for point in range(points):
        place, product = rules.place[points, point], 1.0
        for side in range(sides):
            factors[2, side] = product
            product *= place * factors[0, side] + (1.0 - place) * factors[1, side]
        product = value * rules.weight[points, point]
        for side in range(sides - 1, -1, -1):
            found[side] += factors[2, side] * product * (factors[0, side] - factors[1, side])
            product *= place * factors[0, side] + (1.0 - place) * factors[1, side]


@kernel
def _slots_of(boxes: Boxes, leaf: int, cells: Cells, group: int) -> Any:
    """Of each side of a leaf: the slot of its column."""
    first, sides = boxes.first[leaf], boxes.first[leaf + 1] - boxes.first[leaf]
    slots = np.empty(sides, np.int32)
    for side in range(sides):
        slot = cells.slot[group]
        while cells.column[slot] != boxes.column[first + side]:
            slot += 1
        slots[side] = slot
    return slots


@kernel
def _bits(boxes: Boxes, leaf: int, cells: Cells, slots: Any) -> Any:
    """For each side and each state of its slot: the side's bit where the state satisfies it, else 0."""
    bits = np.zeros((len(slots), cells.states[slots].max() if len(slots) else 0), np.int32)
    for place in range(len(slots)):
        side = boxes.first[leaf] + place
        for state in range(cells.states[slots[place]]):
            sample = cells.sample[slots[place]] + state
            bottom, top = cells.bottom[sample], cells.top[sample]
            inside = boxes.low[side] <= bottom and top <= boxes.high[side]
            if boxes.missing[side] if np.isnan(bottom) else inside:
                bits[place, state] = 1 << place
    return bits


@kernel
def _add_leaf(patterns: Any, slots: Any, bits: Any, where: Any, entries: Any) -> None:
    cells, layout, group = where
    first, end = cells.slot[group], cells.slot[group + 1]
    state = np.zeros(end - first, np.int32)
    width = layout.part[group + 1] - layout.part[group]
    for at in range(layout.origin[group], layout.origin[group + 1], max(width, 1)):
        pattern = 0
        for side in range(len(slots)):
            pattern |= bits[side, state[slots[side] - first]]
        for side in range(len(slots)):
            entries[at + layout.part_of[slots[side]]] += patterns[pattern, side]
        for slot in range(first, end):  # counts on: the first slot's states lie next to each other
            state[slot - first] += 1
            if state[slot - first] < cells.states[slot]:
                break
            state[slot - first] = 0
