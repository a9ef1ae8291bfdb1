"""The transport contract on the double, and on librdkafka's mock broker. On Kafka itself: `tests/system`."""

import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from streams.runtime.settings import Connection
from tests.contracts.transport import IN, OUT, FencingContract, Kafka, TransportContract, put_of, values_on
from tests.doubles.kafka import FakeBroker


@pytest.fixture(scope="module")
def mock_address() -> Iterator[str]:
    """A mock broker lives as long as the client that made it."""
    holder = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 2})
    broker = next(iter(holder.list_topics("any", timeout=5).brokers.values()))
    yield f"{broker.host}:{broker.port}"
    holder.flush(1)


class TestInMemory(FencingContract):
    @pytest.fixture
    def kafka(self) -> Kafka:
        broker = FakeBroker()
        return Kafka(Connection(), "t", broker.put, broker.values, broker.consumer, broker.producer)


class TestOnTheMockBroker(TransportContract):
    """It answers no admin request and keeps nothing; never call it Kafka."""

    @pytest.fixture
    def kafka(self, mock_address: str) -> Kafka:
        prefix = uuid.uuid4().hex[:8]
        connection = Connection(bootstrap_servers=mock_address)
        producer = Producer(connection.kafka())
        for topic in (IN, OUT):
            producer.list_topics(f"{prefix}.{topic}", timeout=5)
        return Kafka(connection, prefix, put_of(producer), lambda topic: values_on(connection, topic))
