"""A window: what the panes of all partitions come to, and where they were read.

Partial counts add, so whoever counted them and in whatever order they came, a window is the same.
Pure. Which panes a window holds is `drift.windows.window_assembler`, what it means `drift.detection.drift_report`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Self

import numpy as np

from drift.binning.binned_records import NO_TIME, Integers
from schemas.events.drift import OffsetRange, PaneCounts, WatermarkJump

Place = tuple[str, int]
"""Topic and partition."""

REJECTED: Final = NO_TIME + 1
"""Stands for "the start of the window that tells of this" until the window closes and its start is known."""


@dataclass(frozen=True, slots=True)
class TopicCount:
    """What was counted of one topic."""

    n: int = 0
    late: int = 0
    duplicates: int = 0
    ahead: int = 0
    unreadable: int = 0
    counts: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    sums: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def plus(self, pane: PaneCounts, *, too_late: bool) -> "TopicCount":
        """With one pane more; all its records are late where its window has closed."""
        tallied = replace(self, ahead=self.ahead + pane.ahead, unreadable=self.unreadable + pane.unreadable)
        if too_late:
            return replace(tallied, late=self.late + pane.late + pane.n + pane.duplicates)
        return replace(
            tallied,
            n=self.n + pane.n,
            late=self.late + pane.late,
            duplicates=self.duplicates + pane.duplicates,
            counts=_added(self.counts, pane.counts),
            sums=_added(self.sums, pane.sums),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of event time, all topics together; `end` is exclusive."""

    start: int
    end: int
    tallies: Mapping[str, TopicCount]
    stretches: Mapping[Place, OffsetRange]

    def plus(self, place: Place, pane: PaneCounts, *, too_late: bool) -> "Window":
        """With one pane more."""
        tally = self.tallies.get(place[0], TopicCount()).plus(pane, too_late=too_late)
        stretch = _widened(self.stretches.get(place), place, pane, too_late=too_late)
        return replace(self, tallies={**self.tallies, place[0]: tally}, stretches={**self.stretches, place: stretch})

    def stretched(self, start: int, end: int) -> "Window":
        """Wide enough to hold that time too."""
        return replace(self, start=min(self.start, start), end=max(self.end, end))

    def offsets(self) -> tuple[OffsetRange, ...]:
        """What was read, in order of topic and partition."""
        return tuple(self.stretches[place] for place in sorted(self.stretches))

    def resolved(self, lateness_ms: int) -> "Window":
        """With the watermark of panes that came too late put where it rejects them: at the window's start."""
        rejecting = self.start + lateness_ms
        return replace(self, stretches={place: _with(each, rejecting) for place, each in self.stretches.items()})

    def saved(self) -> dict[str, Any]:
        """Plain data that `restored` makes this of again."""
        tallies = {
            topic: {**asdict(tally), "counts": tally.counts.tolist(), "sums": tally.sums.tolist()}
            for topic, tally in self.tallies.items()
        }
        stretches = [asdict(stretch) for stretch in self.offsets()]
        return {"start": self.start, "end": self.end, "tallies": tallies, "stretches": stretches}

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Self:
        """As it was saved."""
        return cls(
            start=saved["start"],
            end=saved["end"],
            tallies={topic: _tally(tally) for topic, tally in saved["tallies"].items()},
            stretches={(item["topic"], item["partition"]): _stretch(item) for item in saved["stretches"]},
        )


def _added(counted: Integers, more: Sequence[int]) -> Integers:
    new = np.array(more, dtype=np.int64)
    return counted + new if len(counted) else new


def _widened(stretch: OffsetRange | None, place: Place, pane: PaneCounts, *, too_late: bool) -> OffsetRange:
    watermark = REJECTED if too_late else pane.watermark
    jumps = (WatermarkJump(offset=pane.first, watermark=watermark),) if too_late or pane.jumped else ()
    if stretch is None:
        return OffsetRange(
            topic=place[0],
            partition=place[1],
            first=pane.first,
            last=pane.last,
            watermark=pane.watermark,
            floor=pane.floor,
            jumps=jumps,
        )
    first = stretch if stretch.first <= pane.first else pane
    return replace(
        stretch,
        first=first.first,
        last=max(stretch.last, pane.last),
        watermark=first.watermark,
        jumps=tuple(sorted((*stretch.jumps, *jumps), key=lambda jump: (jump.offset, jump.watermark))),
    )


def _with(stretch: OffsetRange, rejecting: int) -> OffsetRange:
    jumps = (replace(jump, watermark=rejecting) if jump.watermark == REJECTED else jump for jump in stretch.jumps)
    return replace(stretch, jumps=tuple(jumps))


def _tally(saved: Mapping[str, Any]) -> TopicCount:
    arrays = {name: np.array(saved[name], dtype=np.int64) for name in ("counts", "sums")}
    return TopicCount(**{**saved, **arrays})


def _stretch(saved: Mapping[str, Any]) -> OffsetRange:
    return OffsetRange(**{**saved, "jumps": tuple(WatermarkJump(**jump) for jump in saved["jumps"])})
