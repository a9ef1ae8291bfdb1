"""The offset at which reading of a partition begins, from the committed offset and the ends of the log.

Pure. The broker is queried in `streams.kafka.group.assignment`. Nothing here falls back on
`auto.offset.reset`: a client that begins at a default after an offset that it could not fetch decides a whole
topic again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from schemas.errors import SetupError
from schemas.records import Partition


class OffsetLoss(StrEnum):
    """How a group lost its place; values of the metric's label."""

    RETENTION = "retention"
    """The log begins behind what the group committed: records in between were never read."""
    TRUNCATION = "truncation"
    """The log ends before what the group committed: it was cut. All of it is read."""
    EXPIRY = "expiry"
    """The group has no offset, though its output shows that it has worked: offsets expired, or the topic was recreated.
    All of the log is read again."""


class LostOffsetsError(SetupError):
    """The group lost its place, and this process is set to stop for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """A partition as the broker shows it."""

    committed: int | None
    """The group's offset; None where it has none."""
    low: int
    """The log's first offset."""
    high: int
    """The offset behind the last stable record."""
    metadata: str = ""
    """Committed with the offset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where reading of one partition begins."""

    place: Partition
    offset: int
    extent: Extent
    loss: OffsetLoss | None = None
    records: int = 0
    """Offsets never read (retention), or read perhaps again (truncation, expiry): an upper bound of records, since
    markers of transactions take offsets, too."""

    @property
    def metadata(self) -> str:
        """Of the committed offset, where reading begins there; else empty."""
        return "" if self.loss or self.extent.committed is None else self.extent.metadata

    def description(self) -> str:
        """For an operator: what was lost, and where."""
        topic, partition = self.place
        extent = self.extent
        committed = "none" if extent.committed is None else str(extent.committed)
        log = f"the log holds {extent.low} to {extent.high}"
        return f"{topic}-{partition}: committed {committed}, {log} ({self.loss})"


def start_of(place: Partition, extent: Extent, *, worked_before: bool, from_beginning: bool = True) -> Start:
    """Where reading begins.

    Never beyond a record that may be unread: after a truncation and an expiry the whole log is read again, and
    decisions come out with the same bytes and ids.

    Args:
        place: topic and partition.
        extent: the group's offset, and the log's ends.
        worked_before: the group's output shows that it has read the topic before.
        from_beginning: where a new group begins; False for the end.
    """
    committed, low, high = extent.committed, extent.low, extent.high
    if committed is None:
        if worked_before:
            return Start(place=place, offset=low, extent=extent, loss=OffsetLoss.EXPIRY, records=high - low)
        return Start(place=place, offset=low if from_beginning else high, extent=extent)
    if committed < low:
        return Start(place=place, offset=low, extent=extent, loss=OffsetLoss.RETENTION, records=low - committed)
    if committed > high:
        return Start(place=place, offset=low, extent=extent, loss=OffsetLoss.TRUNCATION, records=high - low)
    return Start(place=place, offset=committed, extent=extent)


class CommitOrder:
    """The positions up to which a session has committed, so that no commit leaves a gap.

    Contiguity is of what was *read*: a batch carries the position where its reading began and the one where it
    ended, and each must begin where the one committed before it ended. Offsets alone would not tell, since
    transaction markers and compaction leave holes. Not locked: the owner serialises calls.
    """

    def __init__(self) -> None:
        self._next: dict[Partition, int] = {}

    def begin(self, starts: Mapping[Partition, int]) -> None:
        """A new assignment: reading begins at these offsets."""
        self._next = dict(starts)

    def follows(self, topic: str, first_offsets: Mapping[int, int]) -> bool:
        """True if each partition's reading began where the last commit ended."""
        return all(self._next.get((topic, partition)) == first for partition, first in first_offsets.items())

    def advance(self, topic: str, next_offsets: Mapping[int, int]) -> None:
        """These positions are committed."""
        self._next.update({(topic, partition): offset for partition, offset in next_offsets.items()})
