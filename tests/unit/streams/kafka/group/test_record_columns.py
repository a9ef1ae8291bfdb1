"""Messages taken apart in portions are the columns of all of them, of one assignment."""

import itertools
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import Partition
from streams.kafka.group.read_batch import records_of
from streams.kafka.group.record_columns import PORTION, RecordColumns, gather, runs
from tests.doubles.kafka import Message


def a_message(topic: str, partition: int, offset: int) -> Message:
    return Message((topic, partition, offset), b"k%d" % offset, b"v%d" % offset, [("h", b"%d" % offset)])


def an_end(topic: str, partition: int, offset: int) -> Message:
    return Message((topic, partition, offset), None, None, fault=KafkaError(KafkaError._PARTITION_EOF))


class Source:
    """Gives out portions; a rebalance happens in those that are named."""

    def __init__(self, messages: list[Message], rebalances: frozenset[int] = frozenset()) -> None:
        self.epoch = 0
        self.asked: list[tuple[int, float]] = []
        self._messages = messages
        self._rebalances = rebalances

    def consume(self, most: int, timeout_s: float) -> list[Any]:
        if len(self.asked) in self._rebalances:
            self.epoch += 1
        self.asked.append((most, timeout_s))
        given, self._messages = self._messages[:most], self._messages[most:]
        return given


def gather_columns(source: Source, most: int, columns_of: Callable[[Partition], RecordColumns] = RecordColumns) -> Any:
    return gather(source, most, 0.5, columns_of)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 1))))
def test_runs_are_the_messages_in_their_order_by_partition(places: list[Partition]) -> None:
    messages = [a_message(*place, offset) for offset, place in enumerate(places)]

    found = list(runs(messages))

    assert [message for _, run in found for message in run] == messages
    assert all((message.topic(), message.partition()) == place for place, run in found for message in run)
    assert all(first[0] != second[0] for first, second in itertools.pairwise(found))


def test_portions_are_the_columns_of_all_messages() -> None:
    messages = [a_message("ab"[offset // 300 % 2], offset // 700 % 2, offset) for offset in range(1_300)]
    source = Source(messages)

    found = gather_columns(source, 1_200)

    assert source.asked == [(PORTION, 0.5), (PORTION, 0.0), (200, 0.0)]
    for place, columns in found.items():
        its = [message for message in messages[:1_200] if (message.topic(), message.partition()) == place]
        assert columns.batch() == records_of(place[0], its)
    assert sum(map(len, found.values())) == 1_200


def test_a_portion_that_is_not_full_is_the_last_so_that_a_steady_trickle_is_not_waited_for() -> None:
    source = Source([a_message("a", 0, offset) for offset in range(PORTION + 20)])

    gathered = gather_columns(source, 10 * PORTION)

    assert len(gathered["a", 0]) == PORTION + 20
    assert source.asked == [(PORTION, 0.5), (PORTION, 0.0)]


def test_nothing_that_was_read_before_a_rebalance_is_gathered() -> None:
    messages = [a_message("a", offset // PORTION, offset) for offset in range(3 * PORTION)]

    found = gather_columns(Source(messages, frozenset({1})), len(messages))

    assert {place: len(columns) for place, columns in found.items()} == {("a", 1): PORTION, ("a", 2): PORTION}


def test_a_rebalance_that_brings_nothing_leaves_nothing() -> None:
    messages = [a_message("a", 0, offset) for offset in range(PORTION)]

    assert gather_columns(Source(messages, frozenset({1})), 2 * PORTION) == {}


def test_a_partition_has_ended_where_no_record_follows_its_end() -> None:
    messages = [a_message("a", 0, 1), an_end("a", 0, 2), a_message("a", 1, 1), an_end("a", 1, 2), a_message("a", 1, 2)]

    found = gather_columns(Source([*messages, an_end("a", 2, 0)]), 10)

    assert {place: (len(columns), columns.ended) for place, columns in found.items()} == {
        ("a", 0): (1, True),
        ("a", 1): (2, False),
        ("a", 2): (0, True),
    }


def test_headers_are_left_where_they_are_not_needed() -> None:
    source = Source([a_message("a", 0, 1)])

    [columns] = gather_columns(source, 10, lambda place: RecordColumns(place, headers=False)).values()

    assert columns.batch() == records_of("a", [a_message("a", 0, 1)], headers=False)
