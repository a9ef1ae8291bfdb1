"""Event time cut into panes, and one partition's counts in each: a fold over the partition's log.

Everything here follows from the records of *one* partition in the order of their offsets, so reading
partitions in another interleaving, by other agents, or twice, changes nothing. Idleness closes no pane:
the counts of an open pane are flushed, later records for it are another part of the same
pane, and parts add. Panes of several partitions are combined in `drift.windows.window_assembler`.

Pure. `drift.binning.binner` gives the bins of a record, `drift.windows.pane_placement` its pane.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from drift.binning.binned_records import NO_TIME, Flags, Integers, Observations, Shape
from drift.windows.count_kernels import add_rows
from drift.windows.deduplication import fresh_of
from drift.windows.open_pane import LogPosition, OpenPane
from drift.windows.pane_placement import PanePlacement, PaneRules, placement
from schemas.events.drift import PaneCounts

AHEAD: Final = 2
"""Column of a producer's records that are ahead, behind those counted and late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PanePosition:
    """Where reading a partition begins, with the required state of everything before.

    Panes before `horizon` are already sent and are not sent again, although their records are read again.
    """

    next_offset: int = 0
    watermark: int = NO_TIME
    horizon: int = NO_TIME
    floor: int = NO_TIME
    """The horizon when counting for this champion began."""
    jumped: bool = False
    """Silence moved the watermark there, as it did in earlier versions."""
    flushed: int = 0
    """Records before this offset are sent, although the panes of some are open: they are reread only for their ids."""

    def for_successor(self) -> "PanePosition":
        """The same position for another champion: counts that were sent are never sent again in its bins."""
        return replace(self, floor=self.horizon)


@dataclass(frozen=True, slots=True)
class _Early:
    """Records before the first with a plausible time: no open pane could report them."""

    n: int = 0
    ahead: int = 0
    first: int = 0
    by_producer: Integers | int = 0
    """Those ahead, of each listed producer."""

    def plus(self, seen: Observations, ahead: Flags, listed: int) -> "_Early":
        """With more, of which these are ahead."""
        first = self.first if self.n else int(seen.offsets[0])
        one = np.zeros(len(seen.offsets), dtype=np.int64)
        [found] = _by_producer(seen, np.arange(len(one)), one, (ahead,), (1, listed))[:, :, 0]
        return _Early(self.n + len(one), self.ahead + int(ahead.sum()), first, self.by_producer + found)


class PartitionPanes:
    """The open panes of one partition. The same calls in the same order give the same panes."""

    def __init__(self, rules: PaneRules, shape: Shape, position: PanePosition) -> None:
        self._rules = rules
        self._shape = replace(shape, producers=len(rules.producers))
        self._open: dict[int, OpenPane] = {}
        self._next_offset = position.next_offset
        self._watermark = position.watermark
        self._told_before = position.horizon
        self._floor = position.floor
        self._jumped = position.jumped
        self._flushed = position.flushed
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
        again = seen.offsets < self._flushed
        if again.any():
            self._remember(seen.rows(again))
            seen = seen.rows(~again)
        if len(seen.offsets):
            self._count(seen)

    def flush(self) -> tuple[PaneCounts, ...]:
        """Unsent counts of the open panes, in order of time. The panes stay open."""
        flushed = tuple(part for start in sorted(self._open) for part in self._unsent(self._open[start]))
        if self._open:
            self._flushed = self._next_offset
        return flushed

    def stand_at(self, watermark: int) -> None:
        """Let the watermark be at least this, as silence once made it: to recompute a report."""
        self._watermark = max(self._watermark, watermark)

    def pop_panes(self) -> tuple[PaneCounts, ...]:
        """The panes that have closed since the last call, in order of time."""
        starts = sorted(start for start in self._open if start < self.horizon)
        self._told_before = self.horizon
        return tuple(part for start in starts for part in self._unsent(self._open.pop(start)))

    def position(self) -> PanePosition:
        """Where reading must resume to give the same panes: at the first record of an open one."""
        if self._open:
            first = min((pane.first for pane in self._open.values()), key=lambda reading: reading.offset)
        else:
            offset = self._early.first if self._early.n else self._next_offset
            first = LogPosition(offset, self._watermark, self._jumped)
        return PanePosition(
            next_offset=first.offset,
            watermark=first.watermark,
            horizon=self.horizon,
            floor=self._floor,
            jumped=first.jumped,
            flushed=self._flushed,
        )

    def _unsent(self, pane: OpenPane) -> Iterator[PaneCounts]:
        return pane.unsent_counts(self._floor, self._rules.producers)

    def _place(self, seen: Observations) -> PanePlacement:
        placed = placement(seen, self._rules, self._watermark, jumped=self._jumped)
        self._watermark, self._jumped = placed.watermark_after, placed.jumped_after
        self._next_offset = int(seen.offsets[-1]) + 1
        return placed

    def _remember(self, seen: Observations) -> None:
        """Open the panes of records that are already sent, and note their ids."""
        placed = self._place(seen)
        rows = np.flatnonzero((placed.pane >= self._told_before) & (placed.pane != NO_TIME))
        group, panes = self._panes(seen, placed, rows)
        fresh_of([pane.ids for pane in panes], group, seen.ids, rows, _counted_rows(seen, placed)[rows])

    def _count(self, seen: Observations) -> None:
        placed = self._place(seen)
        placeless = placed.pane == NO_TIME
        if placeless.any():
            self._early = self._early.plus(seen.rows(placeless), placed.ahead[placeless], self._shape.producers)
        rows = np.flatnonzero((placed.pane >= self._told_before) & ~placeless)
        if len(rows):
            self._add(seen, placed, rows)
            self._add_early(int(placed.pane[rows[0]]))

    def _add(self, seen: Observations, placed: PanePlacement, rows: Integers) -> None:
        """Add rows to their panes, all panes at once: a batch may touch thousands."""
        group, panes = self._panes(seen, placed, rows)
        counted = _counted_rows(seen, placed)[rows]
        fresh = fresh_of([pane.ids for pane in panes], group, seen.ids, rows, counted)
        counts = np.zeros((len(panes), self._shape.cells), dtype=np.int64)
        sums = np.zeros((len(panes), self._shape.sums), dtype=np.int64)
        add_rows(rows, group, fresh, seen.cells, seen.sums, counts, sums)
        late, ahead, unreadable = placed.late[rows], placed.ahead[rows], ~seen.readable[rows]
        told_of = (fresh, late, counted & ~fresh, ahead, unreadable)
        tallies = np.stack([np.bincount(group[which], minlength=len(panes)) for which in told_of], axis=1)
        by_producer = _by_producer(seen, rows, group, (fresh, late, ahead), (len(panes), self._shape.producers))
        last = np.zeros(len(panes), dtype=np.int64)
        np.maximum.at(last, group, seen.offsets[rows])
        first = np.unique(group, return_index=True)[1]
        for place, pane in enumerate(panes):
            part = pane.current_part(_log_position(seen, placed, int(rows[first[place]])), self._shape)
            part.counts += counts[place]
            part.sums += sums[place]
            part.tallies += tallies[place]
            part.producers += by_producer[place]
            part.last = int(last[place])

    def _add_early(self, start: int) -> None:
        """The pane of the first record with a plausible time also reports those before it."""
        early, self._early = self._early, _Early()
        pane = self._open[start]
        if early.n and pane.part is not None:
            pane.first = pane.part.first = replace(pane.first, offset=early.first)
            pane.part.tallies += np.array([0, 0, 0, early.ahead, early.n - early.ahead])
            pane.part.producers[:, AHEAD] += early.by_producer

    def _panes(self, seen: Observations, placed: PanePlacement, rows: Integers) -> tuple[Integers, Sequence[OpenPane]]:
        """The place of each row's pane among those, and those, in order of time; opened where they were not."""
        starts, first, group = np.unique(placed.pane[rows], return_index=True, return_inverse=True)
        panes = []
        for start, row in zip(starts.tolist(), rows[first].tolist(), strict=True):
            if start not in self._open:
                self._open[start] = OpenPane(start=start, first=_log_position(seen, placed, row))
            panes.append(self._open[start])
        return group, panes


def _counted_rows(seen: Observations, placed: PanePlacement) -> Flags:
    return seen.readable & ~placed.late & ~placed.ahead


def _log_position(seen: Observations, placed: PanePlacement, row: int) -> LogPosition:
    return LogPosition(int(seen.offsets[row]), int(placed.watermark[row]), bool(placed.jumped[row]))


def _by_producer(
    seen: Observations, rows: Integers, group: Integers, kinds: Sequence[Flags], shape: tuple[int, int]
) -> Integers:
    """Records of each kind, by pane and listed producer; shape (panes, producers, kinds)."""
    panes, producers = shape
    found = np.zeros((panes, producers, len(kinds)), dtype=np.int64)
    if len(seen.producers) and producers:
        whose = seen.producers[rows]
        for nth, kind in enumerate(kinds):
            chosen = kind & (whose >= 0)
            flat = group[chosen] * producers + whose[chosen]
            found[:, :, nth] = np.bincount(flat, minlength=panes * producers).reshape(panes, producers)
    return found
