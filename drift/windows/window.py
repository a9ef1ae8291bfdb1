"""A window: the sum of the panes of all partitions, and the offsets that they were read from.

Partial counts add, so a window is the same for every order and every set of counting agents.
Pure. `drift.windows.window_assembler` chooses a window's panes, `drift.detection.drift_report` interprets it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Self

import numpy as np

from drift.binning.binned_records import NO_TIME, Integers
from schemas.events.drift import OffsetRange, PaneCounts, ProducerCount, WatermarkJump
from schemas.records import Partition

REJECTED: Final = NO_TIME + 1
"""Placeholder for the start of the window that reports this, until the window closes and its start is known."""


@dataclass(frozen=True, slots=True)
class TopicCount:
    n: int = 0
    late: int = 0
    duplicates: int = 0
    ahead: int = 0
    unreadable: int = 0
    counts: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    sums: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    producers: tuple[ProducerCount, ...] = ()

    def plus(self, pane: PaneCounts, *, too_late: bool) -> "TopicCount":
        """With one pane more; all its records are late where its window has closed."""
        tallied = replace(
            self,
            ahead=self.ahead + pane.ahead,
            unreadable=self.unreadable + pane.unreadable,
            producers=_producers(self.producers, map(_all_late, pane.producers) if too_late else pane.producers),
        )
        if too_late:
            return replace(tallied, late=self.late + pane.late + pane.n + pane.duplicates)
        return replace(
            tallied,
            n=self.n + pane.n,
            late=self.late + pane.late,
            duplicates=self.duplicates + pane.duplicates,
            counts=_sum(self.counts, pane.counts),
            sums=_sum(self.sums, pane.sums),
        )

    def merge(self, other: "TopicCount") -> "TopicCount":
        return TopicCount(
            n=self.n + other.n,
            late=self.late + other.late,
            duplicates=self.duplicates + other.duplicates,
            ahead=self.ahead + other.ahead,
            unreadable=self.unreadable + other.unreadable,
            counts=_sum(self.counts, other.counts),
            sums=_sum(self.sums, other.sums),
            producers=_producers(self.producers, other.producers),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of event time, all topics together; `end` is exclusive."""

    start: int
    end: int
    tallies: Mapping[str, TopicCount]
    stretches: Mapping[Partition, OffsetRange]

    def plus(self, place: Partition, pane: PaneCounts, *, too_late: bool) -> "Window":
        tally = self.tallies.get(place[0], TopicCount()).plus(pane, too_late=too_late)
        stretch = _stretch_of(place, pane, too_late=too_late)
        if place in self.stretches:
            stretch = _union(self.stretches[place], stretch)
        return replace(self, tallies={**self.tallies, place[0]: tally}, stretches={**self.stretches, place: stretch})

    def merge(self, other: "Window") -> "Window":
        """With what the other holds, within this one's bounds."""
        tallies, stretches = dict(self.tallies), dict(self.stretches)
        for topic, tally in other.tallies.items():
            tallies[topic] = tallies[topic].merge(tally) if topic in tallies else tally
        for place, stretch in other.stretches.items():
            stretches[place] = _union(stretches[place], stretch) if place in stretches else stretch
        return replace(self, tallies=tallies, stretches=stretches)

    def stretch(self, start: int, end: int) -> "Window":
        """Wide enough to hold that time too."""
        return replace(self, start=min(self.start, start), end=max(self.end, end))

    def offsets(self) -> tuple[OffsetRange, ...]:
        """The ranges that were read, in order of topic and partition."""
        return tuple(self.stretches[place] for place in sorted(self.stretches))

    def resolve(self, lateness_ms: int) -> "Window":
        """With the watermark of panes that came too late put where it rejects them: at the window's start."""
        rejecting = self.start + lateness_ms
        return replace(self, stretches={place: _with(each, rejecting) for place, each in self.stretches.items()})

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` makes this of again."""
        tallies = {
            topic: {**asdict(tally), "counts": tally.counts.tolist(), "sums": tally.sums.tolist()}
            for topic, tally in self.tallies.items()
        }
        stretches = [asdict(stretch) for stretch in self.offsets()]
        return {"start": self.start, "end": self.end, "tallies": tallies, "stretches": stretches}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        return cls(
            start=saved["start"],
            end=saved["end"],
            tallies={topic: _tally(tally) for topic, tally in saved["tallies"].items()},
            stretches={(item["topic"], item["partition"]): _stretch(item) for item in saved["stretches"]},
        )


def _sum(counted: Integers, more: Sequence[int] | Integers) -> Integers:
    new = np.asarray(more, dtype=np.int64)
    if len(counted) == len(new):
        return counted + new
    # An earlier version sent fewer sums, and what is empty has none.
    long, short = (counted, new) if len(counted) > len(new) else (new, counted)
    total = long.copy()
    total[: len(short)] += short
    return total


def _producers(counted: Iterable[ProducerCount], more: Iterable[ProducerCount]) -> tuple[ProducerCount, ...]:
    """Both, by name."""
    found: dict[str, ProducerCount] = {}
    for each in (*counted, *more):
        known = found.get(each.producer)
        found[each.producer] = (
            replace(known, n=known.n + each.n, late=known.late + each.late, ahead=known.ahead + each.ahead)
            if known
            else each
        )
    return tuple(found[name] for name in sorted(found))


def _all_late(count: ProducerCount) -> ProducerCount:
    return replace(count, n=0, late=count.late + count.n)


def _stretch_of(place: Partition, pane: PaneCounts, *, too_late: bool) -> OffsetRange:
    watermark = REJECTED if too_late else pane.watermark
    return OffsetRange(
        topic=place[0],
        partition=place[1],
        first=pane.first,
        last=pane.last,
        watermark=pane.watermark,
        floor=pane.floor,
        jumps=(WatermarkJump(offset=pane.first, watermark=watermark),) if too_late or pane.jumped else (),
    )


def _union(one: OffsetRange, other: OffsetRange) -> OffsetRange:
    first = one if one.first <= other.first else other
    return replace(
        one,
        first=first.first,
        last=max(one.last, other.last),
        watermark=first.watermark,
        jumps=tuple(_jumps((*one.jumps, *other.jumps))),
    )


def _jumps(jumps: Sequence[WatermarkJump]) -> Iterator[WatermarkJump]:
    """In order; of those that reject the first alone, for the watermark stays there: a report's size is bounded."""
    rejecting = False
    for jump in sorted(jumps, key=lambda jump: (jump.offset, jump.watermark)):
        if not (rejecting and jump.watermark == REJECTED):
            yield jump
        rejecting = rejecting or jump.watermark == REJECTED


def _with(stretch: OffsetRange, rejecting: int) -> OffsetRange:
    jumps = (replace(jump, watermark=rejecting) if jump.watermark == REJECTED else jump for jump in stretch.jumps)
    return replace(stretch, jumps=tuple(jumps))


def _tally(saved: Mapping[str, Any]) -> TopicCount:
    arrays = {name: np.array(saved[name], dtype=np.int64) for name in ("counts", "sums")}
    producers = tuple(ProducerCount(**each) for each in saved.get("producers", ()))
    return TopicCount(**{**saved, **arrays, "producers": producers})


def _stretch(saved: Mapping[str, Any]) -> OffsetRange:
    return OffsetRange(**{**saved, "jumps": tuple(WatermarkJump(**jump) for jump in saved["jumps"])})
