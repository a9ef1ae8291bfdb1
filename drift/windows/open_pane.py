"""One open pane of a partition: its counts that are not yet sent, and the ids counted in it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from drift.binning.binned_records import Integers, Shape
from schemas.events.drift import PaneCounts, ProducerClock, ProducerCount

TALLIES: Final = ("n", "late", "duplicates", "ahead", "unreadable")
"""Record counts of a pane, in this order."""


@dataclass(frozen=True, slots=True)
class LogPosition:
    """Position in a partition's log at a record."""

    offset: int
    watermark: int
    """Before the record."""
    jumped: bool


@dataclass(slots=True, kw_only=True)
class PanePart:
    """What a pane has counted since it was flushed last; its arrays are ours alone, so they are added to in place."""

    first: LogPosition
    last: int
    counts: Integers
    sums: Integers
    tallies: Integers
    """By `TALLIES`."""
    producers: Integers
    """Shape (listed producers, 3): counted, late, ahead."""

    def to_counts(self, start: int, floor: int, clocks: Sequence[ProducerClock]) -> PaneCounts:
        return PaneCounts(
            start=start,
            **dict(zip(TALLIES, self.tallies.tolist(), strict=True)),
            counts=self.counts.tolist(),
            sums=self.sums.tolist(),
            first=self.first.offset,
            last=self.last,
            watermark=self.first.watermark,
            floor=floor,
            jumped=self.first.jumped,
            producers=tuple(
                ProducerCount(producer=clock.producer, n=n, late=late, ahead=ahead)
                for clock, (n, late, ahead) in zip(clocks, self.producers.tolist(), strict=True)
                if n or late or ahead
            ),
        )


@dataclass(slots=True, kw_only=True)
class OpenPane:
    start: int
    first: LogPosition
    ids: dict[str, None] = field(default_factory=dict)
    part: PanePart | None = None

    def unsent_counts(self, floor: int, clocks: Sequence[ProducerClock] = ()) -> Iterator[PaneCounts]:
        """The part that was not sent yet, if there is one."""
        part, self.part = self.part, None
        if part is not None:
            yield part.to_counts(self.start, floor, clocks)

    def current_part(self, first: LogPosition, shape: Shape) -> PanePart:
        """The part that is counted; begun by this record where there is nothing yet."""
        if self.part is None:
            self.part = PanePart(
                first=first,
                last=first.offset,
                counts=np.zeros(shape.cells, dtype=np.int64),
                sums=np.zeros(shape.sums, dtype=np.int64),
                tallies=np.zeros(len(TALLIES), dtype=np.int64),
                producers=np.zeros((shape.producers, 3), dtype=np.int64),
            )
        return self.part
