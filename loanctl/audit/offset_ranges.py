"""Stretches of a topic that a person names, and their records in chunks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from schemas.errors import SetupError
from streams.kafka.topics.topic_reader import PartitionRange, Record, partition_ranges
from streams.runtime.settings import Connection


class OffsetRangeError(SetupError):
    """Offsets of no partition, or of one that the topic does not have."""


def offset_ranges(
    connection: Connection, topic: str, partition: int | None, first: int | None, end: int | None
) -> list[PartitionRange]:
    """The part of the stretch that is on the topic now; all of the topic by default.

    Args:
        partition: None for every one.
        first: offset, inclusive; None for the partition's first.
        end: offset, exclusive; None for the partition's end.

    Raises:
        OffsetRangeError: no such partition, or offsets without one.
        NoTopicError: no such topic.
        OutageError: the broker does not answer.
    """
    if partition is None and (first is not None or end is not None):
        problem = "an offset is one of a partition: name it by --partition"
        raise OffsetRangeError(problem)
    found = partition_ranges(connection, [topic])
    if partition is None:
        return found
    chosen = [clip(each, first, end) for each in found if each.partition == partition]
    if not chosen:
        problem = f"{topic} has no partition {partition}"
        raise OffsetRangeError(problem)
    return chosen


def clip(extent: PartitionRange, first: int | None, end: int | None) -> PartitionRange:
    """The part of a partition between two offsets; empty where it has none of them. Pure."""
    begin = extent.first if first is None else min(max(extent.first, first), extent.end)
    return replace(extent, first=begin, end=extent.end if end is None else max(begin, min(extent.end, end)))


def chunks(blocks: Iterable[Sequence[Record]], size: int) -> Iterator[list[Record]]:
    """The records of blocks, in order, at least so many at once but for the last. Pure."""
    waiting: list[Record] = []
    for block in blocks:
        waiting += block
        if len(waiting) >= size:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
