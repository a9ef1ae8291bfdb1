"""Cells: the few states of a row that a group of leaves can distinguish.

The thresholds by which a group's leaves test one column cut its values into intervals; intervals
that satisfy the same leaves, and the missing value, are one *state*. A row's index among the
products of its columns' states is a sum over conditions: each threshold that the value exceeds
adds the change of state there. So an index costs one comparison a threshold and no branch.
A tree is divided from the top down until every group has few enough states. Pure.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.jit import kernel
from scorecard.forest.forest import Nodes
from scorecard.forest.leaf_boxes import Boxes

MOST_STATES: Final = 256
"""Of one group. With 64, depth 6 needs twice the lookups; with 1,024, thrice the memory for a fifth less time."""

MOST_COLUMNS: Final = 12
"""Of one group: each has two states or more, so no more than 8 would fit; the rest is for redundant questions."""

MOST_CONDITIONS: Final = 64
"""Of one group, before equal states are merged: bounds the search, not what is found."""

MOST_ENTRIES: Final = 1 << 17
"""Of one tree's table, in numbers: 1 MiB. A tree that needs more is integrated instead."""


class Cells(NamedTuple):
    """The groups of one tree: leaves `leaf[g]` to `leaf[g + 1]`, asking about slots `slot[g]` to `slot[g + 1]`.

    A slot is one column of one group.
    """

    leaf: npt.NDArray[np.int32]
    slot: npt.NDArray[np.int32]
    column: npt.NDArray[np.int32]
    states: npt.NDArray[np.int32]
    """Of each slot."""
    condition: npt.NDArray[np.int32]
    """Where the slot's conditions begin; one more at the end."""
    threshold: npt.NDArray[np.float32]
    change: npt.NDArray[np.int32]
    """By which the slot's state moves where its value exceeds the threshold; state 0 is below all."""
    missing: npt.NDArray[np.int32]
    """The slot's state of a missing value."""
    sample: npt.NDArray[np.int32]
    """Where the slot's samples begin, one for each state; one more at the end."""
    bottom: npt.NDArray[np.float32]
    top: npt.NDArray[np.float32]
    """A stretch `(bottom, top]` in that state; NaN for the missing value."""


class Slots(NamedTuple):
    """The slots of the group that is being looked at: thresholds in order, a state for each stretch and for missing."""

    column: npt.NDArray[np.int32]
    cuts: npt.NDArray[np.int32]
    """How many thresholds."""
    threshold: npt.NDArray[np.float32]
    state: npt.NDArray[np.int32]
    states: npt.NDArray[np.int32]


def empty_slots() -> Slots:
    return Slots(
        np.empty(MOST_COLUMNS, np.int32),
        np.empty(MOST_COLUMNS, np.int32),
        np.empty((MOST_COLUMNS, MOST_CONDITIONS), np.float32),
        np.empty((MOST_COLUMNS, MOST_CONDITIONS + 2), np.int32),
        np.empty(MOST_COLUMNS, np.int32),
    )


@kernel
def partition_leaves(nodes: Nodes, boxes: Boxes, root: int, slots: Slots) -> npt.NDArray[np.int32]:
    """Where each group of a tree begins, and the end; empty where the tree would need too large a table."""
    leaves = boxes.leaves_of[root]
    begins = np.empty(leaves + 1, np.int32)
    waiting = np.empty(leaves + 1, np.int32)
    waiting[0], height, groups, entries = root, 1, 0, 0
    while height > 0:
        height -= 1
        node = waiting[height]
        begin = int(boxes.leaf_of[node])
        used, states = look(boxes, begin, begin + boxes.leaves_of[node], slots)
        if states > 0:
            entries += states * used
            begins[groups] = begin
            groups += 1
        elif nodes.feature[node] >= 0:
            waiting[height], waiting[height + 1] = nodes.right[node], nodes.left[node]
            height += 2
        if entries > MOST_ENTRIES or (states == 0 and nodes.feature[node] < 0):
            return begins[:0]
    begins[groups] = boxes.leaf_of[root] + leaves
    return begins[: groups + 1]


@kernel
def cells_of(boxes: Boxes, begins: npt.NDArray[np.int32], slots: Slots) -> Cells:
    """The cells of a tree that was parted so."""
    groups = len(begins) - 1
    most_slots, most = groups * MOST_COLUMNS, groups * MOST_CONDITIONS
    cells = Cells(
        begins,
        np.zeros(groups + 1, np.int32),
        np.empty(most_slots, np.int32),
        np.empty(most_slots, np.int32),
        np.zeros(most_slots + 1, np.int32),
        np.empty(most, np.float32),
        np.empty(most, np.int32),
        np.empty(most_slots, np.int32),
        np.zeros(most_slots + 1, np.int32),
        np.empty(most + 2 * most_slots, np.float32),
        np.empty(most + 2 * most_slots, np.float32),
    )
    for group in range(groups):
        used, _ = look(boxes, int(begins[group]), int(begins[group + 1]), slots)
        first = cells.slot[group]
        for slot in range(used):
            _keep_slot(cells, first + slot, slots, slot)
        cells.slot[group + 1] = first + used
    return cells


@kernel
def look(boxes: Boxes, begin: int, end: int, slots: Slots) -> tuple[int, int]:
    """Fills the slots of a group of leaves: how many, and how many states in all; 0 where there are too many."""
    used = _gather(boxes, begin, end, slots)
    states = 1 if used >= 0 else 0
    for slot in range(used):
        states *= _name_states(boxes, begin, end, slots, slot)
        if states > MOST_STATES:
            return used, 0
    return used, states


@kernel
def _gather(boxes: Boxes, begin: int, end: int, slots: Slots) -> int:
    used, conditions = 0, 0
    for side in range(boxes.first[begin], boxes.first[end]):
        slot = 0
        while slot < used and slots.column[slot] != boxes.column[side]:
            slot += 1
        if slot == MOST_COLUMNS or conditions + 1 >= MOST_CONDITIONS:
            return -1
        if slot == used:
            slots.column[slot], slots.cuts[slot] = boxes.column[side], 0
            used += 1
        conditions += _insert(slots, slot, boxes.low[side]) + _insert(slots, slot, boxes.high[side])
    return used


@kernel
def _insert(slots: Slots, slot: int, threshold: float) -> int:
    if np.isinf(threshold):
        return 0
    row, count = slots.threshold[slot], slots.cuts[slot]
    place = 0
    while place < count and row[place] < threshold:
        place += 1
    if place < count and row[place] == threshold:
        return 0
    for later in range(count, place, -1):
        row[later] = row[later - 1]
    row[place] = threshold
    slots.cuts[slot] = count + 1
    return 1


@kernel
def _name_states(boxes: Boxes, begin: int, end: int, slots: Slots, slot: int) -> int:
    names = 0
    for stretch in range(slots.cuts[slot] + 2):
        earlier = 0
        while earlier < stretch and not _alike(boxes, begin, end, slots, (slot, earlier, stretch)):
            earlier += 1
        if earlier < stretch:
            slots.state[slot, stretch] = slots.state[slot, earlier]
        else:
            slots.state[slot, stretch] = names
            names += 1
    slots.states[slot] = names
    return names


@kernel
def _alike(boxes: Boxes, begin: int, end: int, slots: Slots, pair: tuple[int, int, int]) -> bool:
    """Whether two stretches of a slot, given behind it, satisfy the same leaves."""
    slot, one, other = pair
    column, bounds, others_bounds = slots.column[slot], _ends(slots, slot, one), _ends(slots, slot, other)
    columns, low, high, missing = boxes.column, boxes.low, boxes.high, boxes.missing
    for side in range(boxes.first[begin], boxes.first[end]):
        if columns[side] == column:
            satisfied = _satisfies(bounds, low[side], high[side], missing[side])
            if satisfied != _satisfies(others_bounds, low[side], high[side], missing[side]):
                return False
    return True


@kernel
def _satisfies(bounds: tuple[float, float], low: float, high: float, missing: bool) -> Any:
    bottom, top = bounds
    return missing if np.isnan(bottom) else low <= bottom and top <= high


@kernel
def _ends(slots: Slots, slot: int, stretch: int) -> Any:
    """A stretch's bottom and top; NaN for the one behind the last, which is the missing value's."""
    count = slots.cuts[slot]
    if stretch > count:
        return np.float32(np.nan), np.float32(np.nan)
    bottom = np.float32(-np.inf) if stretch == 0 else slots.threshold[slot, stretch - 1]
    top = np.float32(np.inf) if stretch == count else slots.threshold[slot, stretch]
    return bottom, top


@kernel
def _keep_slot(cells: Cells, at: int, slots: Slots, slot: int) -> None:
    count, state = slots.cuts[slot], slots.state[slot]
    cells.column[at], cells.states[at], cells.missing[at] = slots.column[slot], slots.states[slot], state[count + 1]
    condition, sample = cells.condition[at], cells.sample[at]
    for stretch in range(count):
        if state[stretch + 1] != state[stretch]:
            cells.threshold[condition] = slots.threshold[slot, stretch]
            cells.change[condition] = state[stretch + 1] - state[stretch]
            condition += 1
    for stretch in range(count + 1, -1, -1):
        cells.bottom[sample + state[stretch]], cells.top[sample + state[stretch]] = _ends(slots, slot, stretch)
    cells.condition[at + 1], cells.sample[at + 1] = condition, sample + slots.states[slot]
