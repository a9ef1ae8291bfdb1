"""Lag is of the log: of every partition, with no reader at all, and behind a transaction that hangs."""

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions

from streams.kafka.group.lag_monitor import Backlog, LagMonitor
from streams.runtime.settings import Connection
from tests.system.wait import wait_for

GROUP = "readers"
HOUR_MS = 3_600_000


class Topic:
    """The applications topic, a group that reads it, and the monitor of both."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.name = connection.topics().applications.name
        self._monitor = LagMonitor(connection, self.name, GROUP)
        own = {**connection.kafka(), "group.id": GROUP, "enable.auto.commit": False, "enable.partition.eof": True}
        levels = ("read_committed", "read_uncommitted")
        self._clients = [Consumer({**own, "isolation.level": level}) for level in levels]

    def look(self) -> Backlog:
        """The next look that succeeds: of a topic just made the broker does not know the leaders yet."""
        return wait_for(self._look, 30, "a look")

    def _look(self) -> Backlog | None:
        with suppress(KafkaException):
            return self._monitor.look(*self._clients)
        return None

    def commit(self, **offsets: int) -> None:
        places = [TopicPartition(self.name, int(name[1:]), offset) for name, offset in offsets.items()]
        self._clients[0].commit(offsets=places, asynchronous=False)

    def put(self, partition: int, age_ms: int, *, producer: Producer | None = None) -> int:
        """One record, so old; when it was produced, milliseconds since 1970."""
        at = time.time_ns() // 1_000_000 - age_ms
        chosen = producer or Producer(self.connection.producer())
        chosen.produce(self.name, value=b"v", partition=partition, timestamp=at)
        assert chosen.flush(30) == 0
        return at

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture
def topic(connection: Connection) -> Iterator[Topic]:
    made = Topic(connection)
    yield made
    made.close()


def test_what_nobody_reads_waits_and_what_is_committed_does_not(topic: Topic) -> None:
    assert topic.look() == Backlog(0, None)
    oldest = topic.put(0, 2 * HOUR_MS)
    topic.put(0, HOUR_MS)
    topic.put(3, 0)

    assert topic.look() == Backlog(3, oldest / 1000)
    topic.commit(p0=2, p3=1)
    assert topic.look() == Backlog(0, None)


def test_records_behind_a_transaction_that_hangs_wait_since_its_first(topic: Topic) -> None:
    topic.put(1, 2 * HOUR_MS)
    topic.commit(p1=1)
    hanging = Producer({**topic.connection.producer(), "transactional.id": f"{topic.name}.hanging"})
    hanging.init_transactions(30)
    hanging.begin_transaction()
    since = topic.put(1, HOUR_MS, producer=hanging)
    topic.put(1, 0)

    assert topic.look() == Backlog(2, since / 1000)
    hanging.abort_transaction(30)
    wait_for(lambda: topic.look().since not in (since / 1000, None), 30, "the record behind it")
    topic.commit(p1=3)
    assert topic.look() == Backlog(0, None), "the marker behind the last record is nothing that waits"


def test_records_in_an_added_partition_wait(topic: Topic) -> None:
    admin = AdminClient(topic.connection.kafka())
    admin.create_partitions([NewPartitions(topic.name, 5)])[topic.name].result(30)
    topic.look()
    producer = Producer(topic.connection.producer())
    wait_for(lambda: len(producer.list_topics(topic.name, 10).topics[topic.name].partitions) == 5, 30, "the partition")

    topic.put(4, 0, producer=producer)

    wait_for(lambda: topic.look().records == 1, 30, "the record")
