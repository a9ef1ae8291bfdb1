"""Applications by their place on the topic: what decisions name as their source."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Final

from loanctl.audit.offset_ranges import clip
from streams.kafka.topics.topic_reader import PartitionRange, Record, blocks, partition_ranges
from streams.runtime.settings import Connection

Source = tuple[int, int]
"""Partition and offset."""

GAP: Final = 2_000
"""Offsets between two that are wanted: beyond them reading goes on at the second, and does not read through."""


class ApplicationLookup:
    """Applications of one topic, as it is when this is made."""

    def __init__(self, connection: Connection) -> None:
        """Asks where the topic begins and ends.

        Raises:
            NoTopicError: it does not exist.
            OutageError: the broker does not answer.
        """
        self.topic = connection.topics().applications.name
        self._connection = connection
        self._ranges = {each.partition: each for each in partition_ranges(connection, [self.topic])}

    def find(self, sources: Iterable[Source]) -> dict[Source, Record]:
        """The records at these places; without those that are gone, or never were.

        Raises:
            OutageError: the broker does not answer.
        """
        wanted = set(sources)
        return {
            (record.partition, record.offset): record
            for ranges in rounds(wanted, self._ranges)
            for block in blocks(self._connection, ranges)
            for record in block
            if (record.partition, record.offset) in wanted
        }


def rounds(wanted: Iterable[Source], lying: dict[int, PartitionRange]) -> Iterator[list[PartitionRange]]:
    """Stretches that hold what is wanted, at most one of each partition at a time. Pure.

    Args:
        lying: what there is of each partition.
    """
    offsets: dict[int, list[int]] = {partition: [] for partition in lying}
    for partition, offset in sorted(wanted):
        if partition in lying and lying[partition].first <= offset < lying[partition].end:
            offsets[partition].append(offset)
    runs = [[clip(lying[partition], *run) for run in _runs(these)] for partition, these in offsets.items()]
    for ranges in zip_longest(*runs):
        yield [each for each in ranges if each is not None]


def _runs(offsets: list[int]) -> Iterator[tuple[int, int]]:
    """First and end of each run of offsets, which rise."""
    first = last = None
    for offset in offsets:
        if first is None or last is None:
            first = offset
        elif offset - last > GAP:
            yield first, last + 1
            first = offset
        last = offset
    if first is not None and last is not None:
        yield first, last + 1
