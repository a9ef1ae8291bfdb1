"""Topics followed from near their ends: nothing is missed over lost consumers, new partitions and topics made anew."""

from collections.abc import Mapping
from typing import Any

from schemas.errors import LoanError
from streams.kafka.kafka_errors import NoTopicError, ReadingError
from streams.kafka.topics.topic_reader import PartitionRange
from streams.kafka.topics.topic_tail import AGAIN_S, LOOK_S, TopicTail
from streams.runtime.settings import Connection
from tests.doubles.kafka import Message


class Broker:
    """Partitions as lists of values, and the followers that read them."""

    def __init__(self, **partitions: int) -> None:
        self.logs: dict[tuple[str, int], list[bytes]] = {
            (topic, each): [] for topic, count in partitions.items() for each in range(count)
        }
        self.fault: LoanError | None = None
        self.followers: list[FollowerDouble] = []
        self.now = 0.0

    def put(self, topic: str, *values: bytes, partition: int = 0) -> None:
        self.logs.setdefault((topic, partition), []).extend(values)

    def bounds(self) -> list[PartitionRange]:
        if self.fault is not None:
            raise self.fault
        return [PartitionRange(*place, 0, len(log)) for place, log in self.logs.items()]

    def follower(self, _connection: Connection) -> "FollowerDouble":
        self.followers.append(FollowerDouble(self))
        return self.followers[-1]

    def tail(self, **back: int) -> TopicTail:
        return TopicTail(Connection(), back, self.follower, self.bounds, lambda: self.now)  # type: ignore[arg-type]


class FollowerDouble:
    """What `Follower` does, over the lists."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._places: dict[tuple[str, int], int] = {}
        self.closed = False

    def follow(self, offsets: Mapping[tuple[str, int], int]) -> None:
        self._places = dict(offsets)

    def partitions(self) -> set[tuple[str, int]]:
        return set(self._broker.logs)

    def poll(self, most: int, _timeout_s: float = 0.0) -> list[Any]:
        if self._broker.fault is not None:
            raise self._broker.fault
        found: list[Any] = []
        for place, offset in self._places.items():
            values = self._broker.logs[place][offset : offset + most - len(found)]
            found += [Message((*place, offset + nth), None, value) for nth, value in enumerate(values)]
            self._places[place] += len(values)
        return found

    def close(self) -> None:
        self.closed = True


def read(tail: TopicTail) -> list[bytes]:
    return [message.value() for message in tail.poll(100, 0.0)]


def test_reading_begins_so_many_offsets_before_each_topics_end() -> None:
    broker = Broker(a=1, b=1)
    broker.put("a", b"1", b"2", b"3")
    broker.put("b", b"4", b"5")
    tail = broker.tail(a=2, b=0)

    tail.open()
    broker.put("b", b"6")

    assert read(tail) == [b"2", b"3", b"6"]


def test_a_consumer_that_is_lost_is_replaced_and_nothing_is_missed_or_read_twice() -> None:
    broker = Broker(a=1)
    tail = broker.tail(a=0)
    tail.open()
    broker.put("a", b"1")
    before = read(tail)
    broker.fault = ReadingError("lost")
    during = read(tail)
    broker.put("a", b"2")
    still = read(tail)
    broker.fault, broker.now = None, broker.now + AGAIN_S

    assert (before, during, still, read(tail)) == ([b"1"], [], [], [b"2"])
    assert [each.closed for each in broker.followers] == [True, False]


def test_partitions_that_are_added_are_read_from_their_beginning() -> None:
    broker = Broker(a=1)
    tail = broker.tail(a=0)
    tail.open()
    broker.put("a", b"1", partition=1)
    early = read(tail)
    broker.now += LOOK_S

    assert (early, read(tail)) == ([], [b"1"])


def test_a_topic_that_was_made_anew_is_read_from_its_beginning() -> None:
    broker = Broker(a=1)
    broker.put("a", b"1", b"2", b"3")
    tail = broker.tail(a=0)
    tail.open()
    broker.fault = NoTopicError("no topic a")
    during = read(tail)
    broker.logs = {("a", 0): [b"new"]}
    broker.fault, broker.now = None, broker.now + AGAIN_S

    assert (during, read(tail)) == ([], [b"new"])
