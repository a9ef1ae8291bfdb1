"""Which offsets are meant, and how few of the others are read."""

import pytest

from loanctl.audit.application_lookup import GAP, rounds
from loanctl.audit.offset_ranges import OffsetRangeError, chunks, clip, offset_ranges
from streams.kafka.topics.topic_reader import PartitionRange
from tests.unit.loanctl.audit.topics import SETTINGS, TOPICS, Topics

APPLICATIONS = TOPICS.applications.name


def a_range(first: int, end: int, partition: int = 0) -> PartitionRange:
    return PartitionRange("t", partition, first, end)


@pytest.mark.parametrize(
    ("first", "end", "expected"),
    [
        (None, None, (10, 20)),
        (12, None, (12, 20)),
        (None, 12, (10, 12)),
        (0, 100, (10, 20)),
        (15, 12, (15, 15)),
        (30, 40, (20, 20)),
        (0, 5, (10, 10)),
    ],
)
def test_a_stretch_is_what_lies_there_of_it(first: int | None, end: int | None, expected: tuple[int, int]) -> None:
    clipped = clip(a_range(10, 20), first, end)

    assert (clipped.first, clipped.end) == expected


def test_offsets_are_those_of_a_partition_that_the_topic_has(topics: Topics) -> None:
    topics.apply("a", "b")
    topics.apply("c", partition=1)

    assert [each.partition for each in offset_ranges(SETTINGS, APPLICATIONS, None, None, None)] == [0, 1]
    assert offset_ranges(SETTINGS, APPLICATIONS, 0, 1, None) == [PartitionRange(APPLICATIONS, 0, 1, 2)]
    with pytest.raises(OffsetRangeError, match="--partition"):
        offset_ranges(SETTINGS, APPLICATIONS, None, 1, None)
    with pytest.raises(OffsetRangeError, match="no partition 7"):
        offset_ranges(SETTINGS, APPLICATIONS, 7, None, None)


def test_chunks_lose_nothing_and_keep_the_order(topics: Topics) -> None:
    records = [topics.put("t", b"") for _ in range(7)]
    blocks = [records[:3], [], records[3:4], records[4:]]

    assert [[each.offset for each in chunk] for chunk in chunks(blocks, 4)] == [[0, 1, 2, 3], [4, 5, 6]]
    assert list(chunks([], 4)) == []


def test_what_lies_far_between_two_that_are_wanted_is_not_read() -> None:
    far = 10 + 3 * GAP
    lying = {0: a_range(5, 10 * GAP), 1: a_range(0, 3, 1)}

    found = list(rounds([(0, 10), (0, 12), (0, far), (1, 2)], lying))

    assert found == [[a_range(10, 13), a_range(2, 3, 1)], [a_range(far, far + 1)]]


def test_what_is_not_there_is_not_looked_for() -> None:
    # Beyond its end a consumer would begin again at a partition's first record.
    assert list(rounds([(0, 4), (0, 20), (3, 6)], {0: a_range(5, 20)})) == []
