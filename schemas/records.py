"""Records of a topic: bytes and coordinates, in batches of columns.

Pure: a client's message type never leaves the shell that makes these.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

Headers = tuple[tuple[str, bytes | None], ...]
Partition = tuple[str, int]
"""Topic and number of the partition."""
RecordPosition = tuple[int, int]
"""Partition and offset."""


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Records of one topic, as parallel sequences of equal length, in the order read."""

    topic: str
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    partitions: Sequence[int]
    offsets: Sequence[int]
    timestamps: Sequence[int]
    """Milliseconds since 1970, UTC: when the record was produced."""
    headers: Sequence[Headers]

    def __len__(self) -> int:
        return len(self.values)


class OutgoingRecord(NamedTuple):
    """A record to be produced. One for each decision: a tuple is made in half the time of a frozen dataclass."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
