from collections.abc import Callable
from typing import Any

import pytest

from streams.kafka.group import consumer
from streams.kafka.group.consumer import GroupConsumer
from streams.kafka.group.consumer_config import ConsumerConfig, ConsumerHooks, nothing
from streams.runtime.settings import Connection
from tests.doubles.kafka import FakeBroker, FakeConsumer, Message


class Leaver(FakeConsumer):
    """Remembers which assignment was on its way when it closed; librdkafka would wait there for good."""

    closed_with: list[int] | str | None = "open"

    def close(self) -> None:
        self.closed_with = self.given
        super().close()


class Trickle(FakeConsumer):
    """One record for each call, and what was asked for."""

    def __init__(self, broker: FakeBroker, properties: dict[str, Any], name: str) -> None:
        super().__init__(broker, properties, name)
        self.properties = properties
        self.asked: list[tuple[int, float]] = []

    def consume(self, most: int = 1, timeout_s: float = -1) -> list[Any]:
        self.asked.append((most, timeout_s))
        return [Message(("t", 0, len(self.asked)), b"k", b"v")]


def a_member(given: list[int] | None, joined: Callable[[str], object] = nothing) -> tuple[GroupConsumer, Leaver]:
    made: list[Leaver] = []

    def make(properties: dict[str, Any]) -> Leaver:
        made.append(Leaver(FakeBroker(), properties, "one"))
        return made[0]

    hooks = ConsumerHooks(joined=joined)
    member = GroupConsumer(Connection(), ConsumerConfig(topics=["t"], group="g"), hooks, make)
    made[0].given = given
    return member, made[0]


def test_an_assignment_that_is_on_its_way_is_taken_before_the_farewell() -> None:
    joined, client = a_member([0, 1])

    joined.close()

    assert client.closed_with is None
    assert not joined.partitions


def test_a_member_that_leaves_unseen_is_known_to_its_successor() -> None:
    known: list[str] = []
    joined, _ = a_member([0, 1], known.append)

    joined.close()

    assert known == ["member-1"]


def test_a_group_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "SETTLE_S", 0.0)
    joined, client = a_member([0, 1])

    joined.close()

    assert client.closed_with == [0, 1]


@pytest.mark.parametrize(
    ("linger_s", "asked", "fetches"),
    [(0.0, [(1, 0.2), (499, 0.0)], {}), (0.05, [(1, 0.2), (499, 0.05)], {"fetch.wait.max.ms": 50})],
)
def test_records_gather_behind_the_first_for_as_long_as_the_reader_says(
    linger_s: float, asked: list[tuple[int, float]], fetches: dict[str, int]
) -> None:
    """The broker holds its answers back as long, too: it would make one of each record."""
    clients: list[Trickle] = []

    def make(properties: dict[str, Any]) -> Trickle:
        clients.append(Trickle(FakeBroker(), properties, "one"))
        return clients[0]

    member = GroupConsumer(Connection(), ConsumerConfig(topics=["t"], group="g", linger_s=linger_s), make=make)
    member.consume(500, 0.2)

    assert clients[0].asked == asked
    assert {name: value for name, value in clients[0].properties.items() if name == "fetch.wait.max.ms"} == fetches
