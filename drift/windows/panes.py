"""Event time cut into panes, and what one partition holds of each: a fold over the partition's log.

Everything here follows from the records of *one* partition in the order of their offsets, and from the
moments when silence was declared. So reading partitions in another interleaving, by other agents, or
twice, changes nothing; panes of several partitions meet in `drift.windows.window`.

Pure. `drift.binning.binner` gives the bins of a record, `drift.windows.watermark` its pane.
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from drift.binning.binned_records import NO_TIME, Integers, Observations, Shape
from drift.windows.deduplication import fresh_of
from drift.windows.watermark import PaneRules, Placed, placement
from schemas.events.drift import PaneCounts

TALLIES: Final = ("n", "late", "duplicates", "ahead", "unreadable")
"""What is told of a pane in numbers of records, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where reading a partition begins, and all that must be known of what lies before.

    Panes before `horizon` are told already and are not told again, though their records are read again.
    """

    next_offset: int = 0
    watermark: int = NO_TIME
    horizon: int = NO_TIME
    floor: int = NO_TIME
    """The horizon when counting for this champion began."""
    jumped: bool = False
    """Silence, not a record, has moved the watermark there."""

    def for_successor(self) -> "Position":
        """The same place for another champion: what is told already is never told again in its bins."""
        return replace(self, floor=self.horizon)


@dataclass(slots=True, kw_only=True)
class _Pane:
    """One open pane; its arrays and ids are ours alone, so they are added to in place."""

    start: int
    first: int
    last: int
    watermark: int
    floor: int
    jumped: bool
    counts: Integers
    sums: Integers
    tallies: Integers
    """By `TALLIES`."""
    ids: dict[str, None] = field(default_factory=dict)

    def closed(self) -> PaneCounts:
        """As it is told."""
        return PaneCounts(
            start=self.start,
            **dict(zip(TALLIES, self.tallies.tolist(), strict=True)),
            counts=self.counts.tolist(),
            sums=self.sums.tolist(),
            first=self.first,
            last=self.last,
            watermark=self.watermark,
            floor=self.floor,
            jumped=self.jumped,
        )


@dataclass(frozen=True, slots=True)
class _Early:
    """Records before the first with a plausible time: no pane is open that could tell of them."""

    n: int = 0
    ahead: int = 0
    first: int = 0

    def plus(self, seen: Observations, ahead: int) -> "_Early":
        """With more, of which so many are ahead."""
        first = self.first if self.n else int(seen.offsets[0])
        return _Early(self.n + len(seen.offsets), self.ahead + ahead, first)


class PartitionPanes:
    """The open panes of one partition. The same calls in the same order give the same panes."""

    def __init__(self, rules: PaneRules, shape: Shape, position: Position) -> None:
        self._rules = rules
        self._shape = shape
        self._open: dict[int, _Pane] = {}
        self._next_offset = position.next_offset
        self._watermark = position.watermark
        self._told_before = position.horizon
        self._floor = position.floor
        self._jumped = position.jumped
        self._early = _Early()

    @property
    def horizon(self) -> int:
        """Panes that begin before this are closed."""
        return max(self._told_before, self._rules.horizon_of(self._watermark))

    @property
    def watermark(self) -> int:
        """The latest event time, or what silence made of it."""
        return self._watermark

    @property
    def remembered_ids(self) -> int:
        """Ids held in memory."""
        return sum(len(pane.ids) for pane in self._open.values())

    def observe(self, seen: Observations) -> None:
        """Count records; those read before, by their offsets, count for nothing.

        Args:
            seen: of this partition, offsets rising.
        """
        if len(seen.offsets) and seen.offsets[0] < self._next_offset:
            seen = seen.rows(seen.offsets >= self._next_offset)
        if len(seen.offsets) == 0:
            return
        placed = placement(seen, self._rules, self._watermark, jumped=self._jumped)
        self._watermark, self._jumped = placed.watermark_after, placed.jumped_after
        placeless = placed.pane == NO_TIME
        if placeless.any():
            self._early = self._early.plus(seen.rows(placeless), int(placed.ahead[placeless].sum()))
        told = np.flatnonzero((placed.pane >= self._told_before) & ~placeless)
        if len(told):
            self._tell(seen, placed, told)
            self._tell_early(int(placed.pane[told[0]]))
        self._next_offset = int(seen.offsets[-1]) + 1

    def silent(self) -> bool:
        """Close every open pane, for nothing has come for so long that nothing is expected; whether there was one."""
        if not self._open:
            return False
        end = max(self._open) + self._rules.pane_ms
        self._watermark = max(self._watermark, end + self._rules.lateness_ms)
        self._jumped = True
        return True

    def stand_at(self, watermark: int) -> None:
        """Let the watermark be at least this, as silence once made it: to recompute a report."""
        self._watermark = max(self._watermark, watermark)

    def closed(self) -> tuple[PaneCounts, ...]:
        """The panes that have closed since this was last asked, in order of time."""
        starts = sorted(start for start in self._open if start < self.horizon)
        self._told_before = self.horizon
        return tuple(self._open.pop(start).closed() for start in starts)

    def all_panes(self) -> tuple[PaneCounts, ...]:
        """Every pane held, closed or open, in order of time."""
        return tuple(self._open[start].closed() for start in sorted(self._open))

    def position(self) -> Position:
        """Where reading must begin again for the same panes to come: at the first record of an open one."""
        if not self._open:
            return Position(
                next_offset=self._early.first if self._early.n else self._next_offset,
                watermark=self._watermark,
                horizon=self.horizon,
                floor=self._floor,
                jumped=self._jumped,
            )
        first = min(self._open.values(), key=lambda pane: pane.first)
        return Position(
            next_offset=first.first,
            watermark=first.watermark,
            horizon=self.horizon,
            floor=self._floor,
            jumped=first.jumped,
        )

    def _tell(self, seen: Observations, placed: Placed, rows: Integers) -> None:
        """Add rows to the panes that tell of them, all panes at once: a batch may touch thousands."""
        starts, first, group = np.unique(placed.pane[rows], return_index=True, return_inverse=True)
        panes = [self._pane(int(start), seen, placed, int(rows[row])) for start, row in zip(starts, first, strict=True)]
        counted = (seen.readable & ~placed.late & ~placed.ahead)[rows]
        fresh = fresh_of([pane.ids for pane in panes], group, seen.ids, rows, counted)
        counts = _counts_by(group[fresh], seen.cells[rows[fresh]], len(panes), self._shape.cells)
        sums = _zeros(len(panes), self._shape.sums)
        np.add.at(sums, group[fresh], seen.sums[rows[fresh]])
        late, ahead, unreadable = placed.late[rows], placed.ahead[rows], ~seen.readable[rows]
        told_of = (fresh, late, counted & ~fresh, ahead, unreadable)
        tallies = np.stack([np.bincount(group[which], minlength=len(panes)) for which in told_of], axis=1)
        last = np.zeros(len(panes), dtype=np.int64)
        np.maximum.at(last, group, seen.offsets[rows])
        for place, pane in enumerate(panes):
            pane.counts += counts[place]
            pane.sums += sums[place]
            pane.tallies += tallies[place]
            pane.last = int(last[place])

    def _tell_early(self, start: int) -> None:
        """The pane of the first record with a plausible time tells of those before it, too."""
        early, self._early = self._early, _Early()
        if early.n:
            pane = self._open[start]
            pane.first = early.first
            pane.tallies += np.array([0, 0, 0, early.ahead, early.n - early.ahead])

    def _pane(self, start: int, seen: Observations, placed: Placed, row: int) -> _Pane:
        """The open pane of that start; opened by this row where there is none."""
        pane = self._open.get(start)
        if pane is None:
            pane = self._open[start] = _Pane(
                start=start,
                first=int(seen.offsets[row]),
                last=int(seen.offsets[row]),
                watermark=int(placed.watermark[row]),
                floor=self._floor,
                jumped=bool(placed.jumped[row]),
                counts=_zeros(self._shape.cells),
                sums=_zeros(self._shape.sums),
                tallies=_zeros(len(TALLIES)),
            )
        return pane


def _counts_by(group: Integers, cells: Integers, groups: int, places: int) -> Integers:
    """How often each place was met in each group; shape (groups, places)."""
    # Shifted by one, so that "none" has a place to fall into and be cut off.
    flat = group[:, None] * (places + 1) + cells + 1
    return np.bincount(flat.ravel(), minlength=groups * (places + 1)).reshape(groups, places + 1)[:, 1:]


def _zeros(*shape: int) -> Integers:
    return np.zeros(shape, dtype=np.int64)
