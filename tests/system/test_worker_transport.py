"""The transport contract on Kafka itself."""

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # exported, untyped

from streams.runtime.settings import Connection
from tests.contracts.transport import IN, OUT, FencingContract, Kafka, put_of, values_on


class TestOnKafka(FencingContract):
    @pytest.fixture
    def kafka(self, connection: Connection) -> Kafka:
        prefix = connection.topic_prefix
        admin = AdminClient(connection.kafka())
        made = admin.create_topics(
            [NewTopic(f"{prefix}.{topic}", num_partitions=2, replication_factor=1) for topic in (IN, OUT)]
        )
        for future in made.values():
            future.result(30)
        producer = Producer(connection.kafka())
        return Kafka(connection, prefix, put_of(producer), lambda topic: values_on(connection, topic))
