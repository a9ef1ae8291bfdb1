"""One thread at a time uses a consumer, as its binding wants it: no commit waits for the end of a rebalance."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from streams.kafka.group import batch_reader, consumer
from streams.kafka.group.batch_reader import ConsumerConfig, ReadBatch, Reader
from streams.runtime.hang_guard import HungError
from streams.runtime.settings import Connection
from tests.doubles.kafka import FakeBroker, FakeConsumer

WITHIN_S = 20.0
RECORDS = 40


class GatedConsumer(FakeConsumer):
    """Lets one thread in, as confluent-kafka 2.16 does; a call that had to wait is remembered."""

    waits = 0
    hangs: threading.Event | None = None

    def __init__(self, *of_broker: Any) -> None:
        super().__init__(*of_broker)
        self._gate = threading.RLock()
        self.rebalancing = threading.Event()

    def consume(self, most: int, timeout_s: float = 0) -> list[Any]:
        with self._gate:
            taken = super().consume(most, timeout_s)
            if not taken:
                threading.Event().wait(timeout_s)
            return taken

    def _serve_rebalance(self) -> None:
        if self._owned and self._name in self._broker.groups[self._group].waiting:
            self.rebalancing.set()
        super()._serve_rebalance()

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        if not self._gate.acquire(blocking=False):
            self.waits += 1
            self._gate.acquire()
        try:
            if self.hangs is not None:
                self.hangs.wait(WITHIN_S)
            super().commit(offsets, asynchronous)
        finally:
            self._gate.release()


class Member:
    def __init__(self, broker: FakeBroker, name: str) -> None:
        reading = ConsumerConfig(
            topics=["in"], group="g", instance_id=name, most_records=3, in_flight=1, drain_s=WITHIN_S
        )
        self.reader = Reader(Connection(), reading, self._make(broker))
        self.batches: list[ReadBatch] = []
        self.came = threading.Condition()

    def _make(self, broker: FakeBroker) -> Any:
        def make(properties: dict[str, Any]) -> GatedConsumer:
            self.client = GatedConsumer(broker, properties, "")
            return self.client

        return make

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Reads in a thread of its own, for the length of a block."""
        stop = threading.Event()
        thread = threading.Thread(target=self._read, args=(stop,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(WITHIN_S)
            assert not thread.is_alive()

    def _read(self, stop: threading.Event) -> None:
        while not stop.is_set():
            batch = self.reader.read(0.01)
            if batch is not None:
                with self.came:
                    self.batches.append(batch)
                    self.came.notify_all()

    def next_batch(self) -> ReadBatch:
        with self.came:
            assert self.came.wait_for(lambda: self.batches, WITHIN_S)
            return self.batches.pop(0)


@pytest.fixture
def broker() -> FakeBroker:
    found = FakeBroker()
    found.put("in", *(b"%d" % number for number in range(RECORDS)))
    return found


def offsets(broker: FakeBroker) -> int:
    return sum(broker.committed.values())


def test_commits_beside_a_reading_thread_meet_it_nowhere(broker: FakeBroker) -> None:
    member = Member(broker, "one")

    with member.at_work():
        while offsets(broker) < RECORDS:
            member.reader.commit(member.next_batch())

    assert member.client.waits == 0


def test_a_commit_during_the_drain_of_a_rebalance_is_made_before_the_partitions_go(broker: FakeBroker) -> None:
    member = Member(broker, "one")
    with member.at_work():
        batch = member.next_batch()
        other = Member(broker, "two")
        with other.at_work():
            assert member.client.rebalancing.wait(WITHIN_S)
            member.reader.commit(batch)

    assert member.client.waits == 0
    assert offsets(broker) >= len(batch.records)


def test_a_commit_without_an_answer_ends_in_time_and_nobody_enters_that_consumer_again(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "COMMIT_S", 0.01)
    member = Member(broker, "one")
    batch = None
    while batch is None:
        batch = member.reader.read(0)
    member.client.hangs = threading.Event()

    try:
        with pytest.raises(HungError):
            member.reader.commit(batch)
        with pytest.raises(HungError):
            member.reader.read(0)
    finally:
        member.client.hangs.set()


def test_a_commit_that_no_thread_makes_ends_in_time(broker: FakeBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_reader, "COMMITTED_S", 0.01)
    member = Member(broker, "one")
    batch = None
    while batch is None:
        batch = member.reader.read(0)

    with member.reader._client, pytest.raises(HungError):
        member.reader.commit(batch)
