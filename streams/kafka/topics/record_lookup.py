"""Single records by their places on a topic, read without a group."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Final

from streams.kafka.topics.topic_reader import PartitionRange, Record, blocks
from streams.runtime.settings import Connection

NEAR: Final = 1_000
"""Offsets apart: records between two wanted ones are read and dropped, which is quicker than a seek."""


def records_at(connection: Connection, topic: str, wanted: Collection[tuple[int, int]]) -> Iterator[Record]:
    """The records that still lie at these partitions and offsets.

    Raises:
        UnreadTopicError: the broker stopped answering in the middle of reading.
    """
    places = frozenset(wanted)
    stretches: dict[int, list[PartitionRange]] = {}
    for partition, offset in sorted(places):
        known = stretches.setdefault(partition, [])
        if known and offset - known[-1].end < NEAR:
            known[-1] = replace(known[-1], end=offset + 1)
        else:
            known.append(PartitionRange(topic, partition, offset, offset + 1))
    # One stretch of each partition at a time: a consumer has one position in each.
    for together in zip_longest(*stretches.values()):
        for block in blocks(connection, [stretch for stretch in together if stretch is not None]):
            yield from (record for record in block if (record.partition, record.offset) in places)
