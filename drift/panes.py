"""Event time cut into panes, and what one partition holds of each: a fold over the partition's log.

Everything here follows from the records of *one* partition in the order of their offsets, and from the
moments when silence was declared. So reading partitions in another interleaving, by other agents, or
twice, changes nothing; panes of several partitions meet in `drift.windows`.

Pure. What a record counts as, its cells, is made in `drift.cells`; which pane tells of it, in `drift.placing`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from drift.observations import NO_TIME, Flags, Integers, Observations, Shape
from drift.placing import PaneRules, Placed, placement
from schemas.events import PaneCounts

REMEMBERED_IDS: Final = 1_000_000
"""Ids kept for each open pane of a partition, some 100 bytes each. A pane that holds more is far too wide."""


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


@dataclass(slots=True)
class _Pane:
    """One open pane; its arrays and ids are ours alone, so they are added to in place."""

    told: PaneCounts
    counts: Integers
    sums: Integers
    ids: dict[str, None]

    def closed(self) -> PaneCounts:
        return replace(self.told, counts=self.counts.tolist(), sums=self.sums.tolist())


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
        first = min((pane.told for pane in self._open.values()), key=lambda pane: pane.first)
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
        fresh = _fresh([pane.ids for pane in panes], group, seen.ids, rows, counted)
        counts = _counts_by(group[fresh], seen.cells[rows[fresh]], len(panes), self._shape.cells)
        sums = _zeros(len(panes), self._shape.sums)
        np.add.at(sums, group[fresh], seen.sums[rows[fresh]])
        tallies = {
            "n": np.bincount(group[fresh], minlength=len(panes)),
            "duplicates": np.bincount(group[counted & ~fresh], minlength=len(panes)),
            "late": np.bincount(group[placed.late[rows]], minlength=len(panes)),
            "ahead": np.bincount(group[placed.ahead[rows]], minlength=len(panes)),
            "unreadable": np.bincount(group[~seen.readable[rows]], minlength=len(panes)),
        }
        last = np.zeros(len(panes), dtype=np.int64)
        np.maximum.at(last, group, seen.offsets[rows])
        grown = {name: tally.tolist() for name, tally in tallies.items()}
        for place, pane in enumerate(panes):
            pane.counts += counts[place]
            pane.sums += sums[place]
            told = {name: getattr(pane.told, name) + tally[place] for name, tally in grown.items()}
            pane.told = replace(pane.told, last=int(last[place]), **told)

    def _tell_early(self, start: int) -> None:
        """The pane of the first record with a plausible time tells of those before it, too."""
        early, self._early = self._early, _Early()
        if early.n:
            pane = self._open[start]
            ahead, unreadable = pane.told.ahead + early.ahead, pane.told.unreadable + early.n - early.ahead
            pane.told = replace(pane.told, ahead=ahead, unreadable=unreadable, first=early.first)

    def _pane(self, start: int, seen: Observations, placed: Placed, row: int) -> _Pane:
        """The open pane of that start; opened by this row where there is none."""
        pane = self._open.get(start)
        if pane is None:
            told = PaneCounts(
                start=start,
                n=0,
                late=0,
                duplicates=0,
                ahead=0,
                unreadable=0,
                counts=(),
                sums=(),
                first=int(seen.offsets[row]),
                last=int(seen.offsets[row]),
                watermark=int(placed.watermark[row]),
                floor=self._floor,
                jumped=bool(placed.jumped[row]),
            )
            pane = self._open[start] = _Pane(told, _zeros(self._shape.cells), _zeros(self._shape.sums), {})
        return pane


def _fresh(
    known: Sequence[dict[str, None]], group: Integers, ids: Sequence[str], rows: Integers, counted: Flags
) -> Flags:
    """Which of the rows are counted and of an id not met in their pane; remembers the ids, the latest ones at least."""
    fresh: list[int] = []
    places = np.flatnonzero(counted)
    for place, pane, row in zip(places.tolist(), group[places].tolist(), rows[places].tolist(), strict=True):
        remembered, name = known[pane], ids[row]
        if name not in remembered:
            remembered[name] = None
            fresh.append(place)
            if len(remembered) > REMEMBERED_IDS:
                del remembered[next(iter(remembered))]
    found = np.zeros(len(rows), dtype=np.bool_)
    found[fresh] = True
    return found


def _counts_by(group: Integers, cells: Integers, groups: int, places: int) -> Integers:
    """How often each place was met in each group; shape (groups, places)."""
    # Shifted by one, so that "none" has a place to fall into and be cut off.
    flat = group[:, None] * (places + 1) + cells + 1
    return np.bincount(flat.ravel(), minlength=groups * (places + 1)).reshape(groups, places + 1)[:, 1:]


def _zeros(*shape: int) -> Integers:
    return np.zeros(shape, dtype=np.int64)
