"""Ids counted in each pane, so that a redelivered record counts once; in bounded memory. Pure."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from drift.binning.binned_records import Flags, Integers

REMEMBERED_IDS: Final = 1_000_000
"""Ids kept for each open pane of a partition, some 100 bytes each. A pane that holds more is far too wide."""


def fresh_of(
    known: Sequence[dict[str, None]], group: Integers, ids: Sequence[str], rows: Integers, counted: Flags
) -> Flags:
    """Which of the rows are counted and of an id not met in their pane; remembers the ids, the latest ones at least."""
    found = np.zeros(len(rows), dtype=np.bool_)
    if len(known) == 1 and len(rows) == len(ids) and counted.all():  # nearly always, and then nothing is sorted
        found[:] = _new(known[0], ids)
        return found
    places = np.flatnonzero(counted)
    places = places[np.argsort(group[places], kind="stable")]
    ends = np.cumsum(np.bincount(group[places], minlength=len(known))).tolist()
    names = [ids[row] for row in rows[places].tolist()]
    for remembered, first, end in zip(known, [0, *ends], ends, strict=False):
        found[places[first:end]] = _new(remembered, names[first:end])
    return found


def _new(remembered: dict[str, None], names: Sequence[str]) -> bool | Sequence[bool]:
    """Which names were not remembered, or whether none was; they are now."""
    own = dict.fromkeys(names)
    if len(own) == len(names) and len(remembered) + len(own) <= REMEMBERED_IDS and remembered.keys().isdisjoint(own):
        remembered.update(own)
        return True
    fresh = []
    for name in names:
        fresh.append(name not in remembered)
        remembered[name] = None
        if len(remembered) > REMEMBERED_IDS:
            del remembered[next(iter(remembered))]
    return fresh
