"""What reader and deliveries promise, whatever broker is behind them: memory, librdkafka's mock, or Kafka.

A test module inherits a contract and gives it a fixture `kafka`. librdkafka's mock broker neither fences nor
keeps transactional offsets, so it is held to `TransportContract` alone.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.errors import OutageError
from schemas.records import OutgoingRecord
from streams.kafka.group.batch_reader import ConsumerConfig, ReadBatch, Reader, StaleBatchError
from streams.kafka.producer.delivery import AtLeastOnce, Delivery, ExactlyOnce, Mode
from streams.runtime.settings import Connection

GROUP = "scoring"
IN = "in"
OUT = "out"
PATIENCE_S = 30.0


@dataclass(frozen=True)
class Kafka:
    connection: Connection
    prefix: str
    put: Callable[..., None]
    """Records of these values onto a topic, acknowledged."""
    values: Callable[[str], list[bytes | None]]
    """What a read_committed reader sees on a topic now."""
    consumer: Callable[[dict[str, Any]], Any] = Consumer
    producer: Callable[[dict[str, Any]], Any] = Producer

    def topic(self, name: str) -> str:
        return f"{self.prefix}.{name}"


@dataclass
class Member:
    """One worker's reader and delivery."""

    kafka: Kafka
    name: str
    mode: Mode = Mode.EXACTLY_ONCE

    def __post_init__(self) -> None:
        self.delivery = self._delivery()
        self.delivery.open()
        reading = ConsumerConfig(
            topics=[self.kafka.topic(IN)],
            group=f"{self.kafka.prefix}.{GROUP}",
            instance_id=self.name,
            most_records=3,
            drain_s=0.2,
        )
        self.reader = Reader(self.kafka.connection, reading, self.kafka.consumer)

    def _delivery(self) -> Delivery:
        if self.mode is Mode.AT_LEAST_ONCE:
            return AtLeastOnce(self.kafka.connection, self.kafka.producer)
        return ExactlyOnce(self.kafka.connection, f"{self.kafka.prefix}.{self.name}", self.kafka.producer)

    def read(self) -> ReadBatch:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            batch = self.reader.read()
            if batch is not None:
                return batch
        pytest.fail(f"{self.name} read nothing")

    def answer(self, batch: ReadBatch) -> None:
        answers = [OutgoingRecord(self.kafka.topic(OUT), b"k", value) for value in batch.records.values]
        self.delivery.deliver(answers, batch, self.reader)

    def answer_until(self, answered: Callable[[], bool]) -> None:
        """Work, as the worker does, until a fact."""
        until = time.monotonic() + PATIENCE_S
        while not answered():
            assert time.monotonic() < until, f"{self.name} did not answer"
            batch = self.reader.read()
            if batch is not None and self.reader.is_current(batch):
                self.answer(batch)
            elif batch is not None:
                self.reader.release(batch)

    def close(self) -> None:
        self.reader.close()
        self.delivery.close()


@contextmanager
def member(kafka: Kafka, name: str = "one", mode: Mode = Mode.EXACTLY_ONCE) -> Iterator[Member]:
    """A member for the length of a block."""
    joined = Member(kafka, name, mode)
    try:
        yield joined
    finally:
        joined.close()


def put_of(producer: Producer) -> Callable[..., None]:
    """Puts values on a topic, each under itself as key, and waits for the broker."""

    def put(topic: str, *values: bytes) -> None:
        for value in values:
            producer.produce(topic, value, key=value)
        assert producer.flush(10) == 0

    return put


def values_on(connection: Connection, topic: str) -> list[bytes | None]:
    """Everything on a topic, as a reader without a group finds it."""
    consumer = Consumer({**connection.kafka(), "group.id": "none", "enable.partition.eof": True})
    unread = set(consumer.list_topics(topic, timeout=5).topics[topic].partitions)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in unread])
    values: list[bytes | None] = []
    while unread:
        message = consumer.poll(10)
        assert message is not None, "the topic did not end"
        if message.error() is None:
            values.append(message.value())
        else:
            unread.discard(message.partition())
    consumer.close()
    return values


def number_values(*numbers: int) -> list[bytes]:
    return [b"%d" % number for number in numbers]


class TransportContract:
    """The promises of a quiet day."""

    @pytest.mark.parametrize("mode", Mode)
    def test_every_record_is_answered_once(self, kafka: Kafka, mode: Mode) -> None:
        kafka.put(kafka.topic(IN), *number_values(*range(10)))

        with member(kafka, mode=mode) as one:
            one.answer_until(lambda: one.reader.assigned and len(kafka.values(kafka.topic(OUT))) >= 10)

        assert Counter(kafka.values(kafka.topic(OUT))) == Counter(number_values(*range(10)))

    def test_no_more_is_in_flight_than_allowed(self, kafka: Kafka) -> None:
        kafka.put(kafka.topic(IN), *number_values(*range(12)))

        with member(kafka) as one:
            held = [one.read(), one.read()]
            refused = [one.reader.read(0.05) for _ in range(3)]
            one.reader.release(held[0])
            following = one.read()

        assert refused == [None, None, None]
        assert not set(following.records.values) & {value for batch in held for value in batch.records.values}


class FencingContract(TransportContract):
    """The promises that survive crashes and rebalances."""

    @pytest.mark.parametrize("mode", Mode)
    def test_a_successor_goes_on_where_its_predecessor_committed(self, kafka: Kafka, mode: Mode) -> None:
        kafka.put(kafka.topic(IN), *number_values(*range(6)))
        with member(kafka, mode=mode) as first:
            first.answer_until(lambda: len(kafka.values(kafka.topic(OUT))) >= 6)
        kafka.put(kafka.topic(IN), b"6")

        with member(kafka, mode=mode) as second:
            batch = second.read()
            second.answer(batch)

        assert batch.records.values == [b"6"]

    def test_offsets_of_a_batch_are_its_own_though_reading_runs_ahead(self, kafka: Kafka) -> None:
        kafka.put(kafka.topic(IN), *number_values(*range(12)))
        with member(kafka) as first:
            answered = first.read()
            ahead = first.read()
            first.answer(answered)

        assert ahead.records.values
        with member(kafka) as second:
            second.answer_until(lambda: len(kafka.values(kafka.topic(OUT))) >= 12)

        assert Counter(kafka.values(kafka.topic(OUT))) == Counter(number_values(*range(12)))

    def test_a_predecessor_that_still_runs_is_fenced(self, kafka: Kafka) -> None:
        kafka.put(kafka.topic(IN), *number_values(0, 1, 2))
        first = Member(kafka, "one")
        held = first.read()

        with member(kafka) as second:
            second.answer_until(lambda: len(kafka.values(kafka.topic(OUT))) >= 3)
            with pytest.raises(OutageError):
                first.answer(held)

        with suppress(OutageError):
            first.close()
        assert Counter(kafka.values(kafka.topic(OUT))) == Counter(number_values(0, 1, 2))

    def test_a_batch_read_before_a_rebalance_cannot_be_committed_after_it(self, kafka: Kafka) -> None:
        kafka.put(kafka.topic(IN), *number_values(*range(4)))
        first = Member(kafka, "one")
        held = first.read()

        with member(kafka, "two") as second:
            until = time.monotonic() + PATIENCE_S
            while not (second.reader.assigned and first.reader.assigned and not first.reader.is_current(held)):
                assert time.monotonic() < until, "no rebalance"
                again = first.reader.read(0.05)
                if again is not None:
                    first.reader.release(again)
                early = second.reader.read(0.05)
                if early is not None:
                    second.reader.release(early)
            with pytest.raises(OutageError):
                first.answer(held)
            with pytest.raises(StaleBatchError):
                first.reader.commit(held)
        first.close()

        assert kafka.values(kafka.topic(OUT)) == []

    def test_a_partition_given_up_while_reading_stood_still_is_read_when_it_comes_back(self, kafka: Kafka) -> None:
        kafka.put(kafka.topic(IN), *number_values(*range(12)))
        first = Member(kafka, "one")
        held = [first.read(), first.read()]

        with member(kafka, "two") as second:
            until = time.monotonic() + PATIENCE_S
            while first.reader.is_current(held[0]):
                assert time.monotonic() < until, "no rebalance"
                assert first.reader.read(0.05) is None
                second.reader.read(0.05)
            for batch in held:
                first.reader.release(batch)
            again = None
            while again is None:
                assert time.monotonic() < until, "it stands still"
                second.reader.read(0.05)
                again = first.reader.read(0.05)
        first.close()

        assert set(again.records.values) <= set(number_values(*range(12)))
