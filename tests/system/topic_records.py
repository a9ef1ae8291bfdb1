"""What lies on topics, as a downstream reader sees it: read_committed, from the beginning to the end of now."""

from collections.abc import Iterator
from typing import TypeVar

from confluent_kafka import Consumer, Message, TopicPartition

from schemas.registry_client import EventSerde
from schemas.topics import Topic
from streams.kafka.topics.topic_reader import FETCH_WAIT_MS
from streams.runtime.settings import Connection

Event = TypeVar("Event")
TIMEOUT_S = 30.0


def read_topic(connection: Connection, topic: str, isolation: str = "read_committed") -> list[Message]:
    """Every record that a reader of this isolation can see now, partition by partition."""
    consumer = Consumer(
        {
            **connection.kafka(),
            "group.id": "test-reader",
            "enable.auto.commit": False,
            "isolation.level": isolation,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": FETCH_WAIT_MS,
        }
    )
    try:
        return list(_records(consumer, topic))
    finally:
        consumer.close()


def read_events(connection: Connection, event: type[Event], topic: Topic) -> list[Event]:
    serde = EventSerde(connection.registry(), event, topic.name)
    return [serde.decode(message.value()) for message in read_topic(connection, topic.name)]


def await_stable_offsets(connection: Connection, group: str, topic: str) -> None:
    """Return when no transaction holds back what the group has committed.

    A broker that is killed between a decision's marker and that of its offset loses the latter at times (seen with
    Kafka 4.3.1, one in ten), and then the group waits for ever: a fault of the broker that is not under test.
    """
    consumer = Consumer({**connection.kafka(), "group.id": group, "isolation.level": "read_committed"})
    try:
        partitions = consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions
        # The client asks again until all of them are stable.
        found = consumer.committed([TopicPartition(topic, partition) for partition in partitions], TIMEOUT_S)
        assert [each.error for each in found if each.error] == []
    finally:
        consumer.close()


def _records(consumer: Consumer, topic: str) -> Iterator[Message]:
    partitions = consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    unread = set(partitions)
    while unread:
        message = consumer.poll(TIMEOUT_S)
        assert message is not None, f"{topic} did not come to its end"
        if message.error() is None:
            yield message
        else:
            unread.discard(message.partition())
