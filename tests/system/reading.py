"""What lies on topics, as a downstream reader sees it: read_committed, from the beginning to the end of now."""

from collections.abc import Callable, Iterator

from confluent_kafka import Consumer, Message, TopicPartition

from streams.runtime.settings import Connection

POLL_S = 1.0
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
        }
    )
    try:
        return list(_records(consumer, topic))
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


def count_of(connection: Connection, topic: str) -> Callable[[], int]:
    """Asks for the number of records on a topic; for `wait_for`."""
    return lambda: len(read_topic(connection, topic))
