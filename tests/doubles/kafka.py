"""Kafka in memory, as far as a reader and a delivery can tell: groups with generations, transactions with fencing.

It keeps the rules that decide whether a record is answered twice or never. The suite of
`tests.contracts.transport` holds it to the same facts as real brokers.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

PARTITIONS = 2


class Crash(BaseException):
    """The process died here."""


@dataclass(frozen=True)
class Message:
    at: tuple[str, int, int]
    its_key: bytes | None
    its_value: bytes | None
    its_headers: Any = None
    fault: KafkaError | None = None
    produced_ms: int = 1_772_366_400_000

    def topic(self) -> str:
        return self.at[0]

    def partition(self) -> int:
        return self.at[1]

    def offset(self) -> int:
        return self.at[2]

    def key(self) -> bytes | None:
        return self.its_key

    def value(self) -> bytes | None:
        return self.its_value

    def headers(self) -> Any:
        return self.its_headers

    def timestamp(self) -> tuple[int, int]:
        return 1, self.produced_ms

    def error(self) -> KafkaError | None:
        return self.fault


@dataclass
class Group:
    """Members by name; a rebalance ends when all have given up what they had."""

    members: dict[str, "FakeConsumer"] = field(default_factory=dict)
    generation: int = 0
    waiting: set[str] = field(default_factory=set)
    """Members that have not yet given up their partitions for the rebalance under way."""

    def rebalance(self) -> None:
        self.waiting = set(self.members)

    def settle(self) -> None:
        if not self.waiting:
            self.generation += 1
            for place, member in enumerate(self.members.values()):
                member.given = [p for p in range(PARTITIONS) if p % len(self.members) == place]


class FakeBroker:
    """Topics, groups, transactions. `before` is called with the name of each act, and may crash the process."""

    def __init__(self, before: Callable[[str], None] = lambda _act: None) -> None:
        self.logs: dict[str, list[list[Message]]] = defaultdict(lambda: [[] for _ in range(PARTITIONS)])
        self.committed: dict[tuple[str, str, int], int] = {}
        self.groups: dict[str, Group] = defaultdict(Group)
        self.epochs: dict[str, int] = defaultdict(int)
        self.before = before
        self._joined = 0

    def consumer(self, properties: dict[str, Any]) -> "FakeConsumer":
        self._joined += 1
        return FakeConsumer(self, properties, f"member-{self._joined}")

    def producer(self, properties: dict[str, Any]) -> "FakeProducer":
        return FakeProducer(self, properties)

    def put(self, topic: str, *values: bytes | None) -> None:
        for value in values:
            sizes = [len(log) for log in self.logs[topic]]
            self.append(topic, b"k", value, sizes.index(min(sizes)))

    def append(self, topic: str, key: bytes | None, value: bytes | None, partition: int = 0, headers: Any = ()) -> None:
        log = self.logs[topic][partition]
        log.append(Message((topic, partition, len(log)), key, value, headers))

    def values(self, topic: str) -> list[bytes | None]:
        return [message.value() for log in self.logs[topic] for message in log]

    def take_offsets(self, group: str, metadata: "Metadata", positions: list[TopicPartition]) -> None:
        state = self.groups[group]
        if state.members.get(metadata.instance) is not metadata.member:
            raise failure(KafkaError.FENCED_INSTANCE_ID)
        if metadata.generation != state.generation:
            raise failure(KafkaError.ILLEGAL_GENERATION)
        self.committed.update({(group, each.topic, each.partition): each.offset for each in positions})


@dataclass(frozen=True)
class Metadata:
    """A consumer group's metadata, of one moment."""

    group: str
    instance: str
    member: "FakeConsumer"
    generation: int


class FakeConsumer:
    def __init__(self, broker: FakeBroker, properties: dict[str, Any], name: str) -> None:
        self.given: list[int] | None = None
        self._broker = broker
        self._group = properties["group.id"]
        self._name = properties.get("group.instance.id", name)
        self._owned: list[int] = []
        self._positions: dict[int, int] = {}
        self._generation = -1
        self._paused: set[int] = set()
        self._closed = False

    def subscribe(self, topics: list[str], on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self._topic = topics[0]
        self._callbacks = (on_assign, on_revoke, on_lost)
        group = self._broker.groups[self._group]
        comes_back = self._name in group.members
        group.members[self._name] = self
        if comes_back and not group.waiting:
            self.given = [
                p for p in range(PARTITIONS) if p % len(group.members) == list(group.members).index(self._name)
            ]
        else:
            group.rebalance()

    def consume(self, most: int, _timeout_s: float = 0) -> list[Message]:
        self._broker.before("consume")
        self._serve_rebalance()
        if self._closed:
            return []
        taken: list[Message] = []
        for partition in sorted(set(self._owned) - self._paused):
            log = self._broker.logs[self._topic][partition]
            start = self._positions[partition]
            taken += log[start : start + most - len(taken)]
            self._positions[partition] = start + sum(1 for message in taken if message.partition() == partition)
        return taken

    def memberid(self) -> str:
        return "member-1"

    def consumer_group_metadata(self) -> Metadata:
        return Metadata(self._group, self._name, self, self._generation)

    def committed(self, places: list[TopicPartition], _timeout_s: float) -> list[TopicPartition]:
        self._broker.before("committed_offsets")
        known = self._broker.committed
        return [
            TopicPartition(each.topic, each.partition, known.get((self._group, each.topic, each.partition), -1001))
            for each in places
        ]

    def assign(self, places: list[TopicPartition]) -> None:
        self._positions = {each.partition: each.offset for each in places}

    def get_watermark_offsets(
        self, place: TopicPartition, _timeout_s: float = 0, cached: bool = False
    ) -> tuple[int, int]:
        return 0, len(self._broker.logs[place.topic][place.partition])

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        self._broker.before("commit")
        self._broker.take_offsets(self._group, self.consumer_group_metadata(), offsets)

    def pause(self, places: Any) -> None:
        # As in librdkafka, this outlives the assignment.
        self._paused |= {place.partition for place in places}

    def resume(self, places: Any) -> None:
        self._paused -= {place.partition for place in places}

    def close(self) -> None:
        if self._owned:
            self._callbacks[1](self, [TopicPartition(self._topic, p) for p in self._owned])
        self._closed, self._owned = True, []

    def leave(self) -> None:
        """As a member whose session ended: the group goes on without it, and it does not know."""
        group = self._broker.groups[self._group]
        del group.members[self._name]
        group.rebalance()
        group.settle()

    def _serve_rebalance(self) -> None:
        group = self._broker.groups[self._group]
        if group.members.get(self._name) is not self:
            raise KafkaException(KafkaError(KafkaError.FENCED_INSTANCE_ID, "fenced", True))
        if self._name in group.waiting:
            if self._owned:
                self._callbacks[1](self, [TopicPartition(self._topic, p) for p in self._owned])
            self._owned = []
            group.waiting.discard(self._name)
            group.settle()
        if self.given is not None:
            self._owned, self.given, self._generation = self.given, None, group.generation
            self._positions = {}
            self._callbacks[0](self, [TopicPartition(self._topic, p) for p in self._owned])
            if not self._positions:
                # As the client does where its owner has not.
                self.assign([TopicPartition(self._topic, p, 0) for p in self._owned])


class FakeProducer:
    """With a transactional id it is transactional."""

    def __init__(self, broker: FakeBroker, properties: dict[str, Any]) -> None:
        self._broker = broker
        self._name: str = properties.get("transactional.id", "")
        self._epoch = 0
        self._open: list[tuple[str, bytes | None, bytes | None, Any]] = []
        self._offsets: list[tuple[str, TopicPartition]] = []

    def init_transactions(self, _timeout_s: float) -> None:
        self._broker.before("init_transactions")
        self._broker.epochs[self._name] += 1
        self._epoch = self._broker.epochs[self._name]

    def begin_transaction(self) -> None:
        self._open, self._offsets = [], []

    def produce(self, topic: str, value: bytes | None, key: bytes | None, headers: Any) -> None:
        self._broker.before("produce")
        if not self._name:
            self._broker.append(topic, key, value, headers=headers)
        else:
            self._open.append((topic, key, value, headers))

    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], metadata: Metadata, _timeout_s: float
    ) -> None:
        self._broker.before("send_offsets")
        # The broker checks the generation now, and makes the offsets known with the commit.
        before = dict(self._broker.committed)
        self._broker.take_offsets(metadata.group, metadata, positions)
        self._broker.committed = before
        self._offsets = [(metadata.group, each) for each in positions]

    def commit_transaction(self, _timeout_s: float) -> None:
        self._broker.before("commit_transaction")
        if self._epoch != self._broker.epochs[self._name]:
            raise failure(KafkaError._FENCED)
        for topic, key, value, headers in self._open:
            self._broker.append(topic, key, value, headers=headers)
        for group, each in self._offsets:
            self._broker.committed[group, each.topic, each.partition] = each.offset
        self._broker.before("committed")

    def abort_transaction(self, _timeout_s: float) -> None:
        self._open, self._offsets = [], []

    def flush(self, _timeout_s: float) -> int:
        self._broker.before("flush")
        return 0

    def poll(self, _timeout_s: float) -> int:
        return 0

    def purge(self) -> None:
        self._open = []

    def close(self) -> None:
        self._open = []


def failure(code: int) -> KafkaException:
    return KafkaException(KafkaError(code, "", False, False, True))
