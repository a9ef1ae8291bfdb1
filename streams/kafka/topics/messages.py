"""Messages of a consumer, classified: records and ends of partitions pass, errors become faults or a log line.

Also reads partitions without a group (`Follower`), for processes that must each read everything.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog
from confluent_kafka import Consumer, KafkaError, TopicPartition

from schemas.records import Partition
from streams.kafka.group.consumer_config import ConsumerConfig, description_of, properties
from streams.kafka.kafka_errors import CLIENT_FAULTS, NO_TOPIC, raised_fault, reading_fault
from streams.runtime.settings import Connection

ASK_S: Final = 10.0
LOOK_S: Final = 2.0
"""For the partitions of a topic that is being read: who waits for its records waits for the answer, too."""
ASK_AGAIN_S: Final = 1.0
"""A broker that has just started may not know all topics yet."""

log = structlog.get_logger(__name__)


def poll_records(consumer: Any, most: int, timeout_s: float, topics: Sequence[str], group: str = "") -> list[Any]:
    """Records, and ends of partitions, that have arrived.

    Args:
        consumer: librdkafka's.
        most: messages at once. The call waits until it has them all, or the time is over.
        timeout_s: how long to wait.
        topics: what is read, for an error that names none.
        group: that the consumer is a member of. One without needs no right on a group, though librdkafka asks for the
            coordinator of the name it must be given.

    Raises:
        NoTopicError, NotAllowedError: a person must act.
        ReadingError: this consumer is of no use any more.
    """
    try:
        messages: list[Any] = consumer.consume(most, timeout_s)
    except CLIENT_FAULTS as cause:
        raise raised_fault(cause, description_of(topics, group)) from cause
    if not [message for message in messages if message.error() is not None]:  # nearly always
        return messages
    return [message for message in messages if message.error() is None or _is_end(consumer, message, topics, group)]


def ends(message: Any) -> bool:
    """Whether a message is the end of its partition, and no record."""
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF


def _is_end(consumer: Any, message: Any, topics: Sequence[str], group: str) -> bool:
    if ends(message):
        return True
    error = message.error()
    if error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED and not group:
        return False
    names = [message.topic()] if message.topic() else list(topics)
    fault = reading_fault(error, description_of(names, group))
    if fault is not None and not (error.code() in NO_TOPIC and _exist(consumer, names)):
        raise fault
    log.warning("read.failed", error=error.name())
    return False


def _exist(consumer: Any, names: Sequence[str]) -> bool:
    """True if the broker knows the topics nevertheless: a client learns of a new one late."""
    for wait_s in (0.0, ASK_AGAIN_S):
        time.sleep(wait_s)
        try:
            if all(consumer.list_topics(name, ASK_S).topics[name].partitions for name in names):
                return True
        except CLIENT_FAULTS:
            return True
    return False


class Follower:
    """Reads partitions without a group, and commits nothing. Used from one thread."""

    def __init__(
        self,
        connection: Connection,
        make: Callable[[dict[str, Any]], Any] = Consumer,
        **own: object,
    ) -> None:
        """Reads nothing yet.

        Args:
            connection: broker.
            make: makes the consumer; for tests.
            own: further properties of librdkafka, dots written as underscores.
        """
        self._consumer = make(properties(connection, ConsumerConfig(topics=[]), **own))
        self._topics: list[str] = []

    def follow(self, offsets: Mapping[Partition, int]) -> None:
        """Read these partitions from these offsets on, or from where their log begins now where that is later.

        Raises:
            ReadingError: the broker does not answer.
        """
        self._topics = sorted({topic for topic, _ in offsets})
        places = [TopicPartition(*place, self._clamp(place, offset)) for place, offset in sorted(offsets.items())]
        try:
            self._consumer.assign(places)
        except CLIENT_FAULTS as cause:
            raise raised_fault(cause, ", ".join(self._topics)) from cause

    def poll(self, most: int, timeout_s: float = 0.0) -> list[Any]:
        """Records, and ends of partitions, that have arrived; faults as of `poll_records`."""
        return poll_records(self._consumer, most, timeout_s, self._topics)

    def partitions(self) -> set[Partition]:
        """Those that the topics have now.

        Raises:
            ReadingError: the broker does not answer.
        """
        try:
            described = {topic: self._consumer.list_topics(topic, LOOK_S).topics[topic] for topic in self._topics}
        except CLIENT_FAULTS as cause:
            raise raised_fault(cause, ", ".join(self._topics)) from cause
        return {(topic, partition) for topic, each in described.items() for partition in each.partitions}

    def stop(self) -> None:
        """Read nothing any more."""
        with suppress(*CLIENT_FAULTS):
            self._consumer.unassign()

    def close(self) -> None:
        """Let go."""
        with suppress(*CLIENT_FAULTS):
            self._consumer.close()

    def _clamp(self, place: Partition, offset: int) -> int:
        """The offset, moved to the nearest that the log still holds; a logical one as it is."""
        if offset < 0:
            return offset
        try:
            found = self._consumer.get_watermark_offsets(TopicPartition(*place), ASK_S)
        except CLIENT_FAULTS as cause:
            raise raised_fault(cause, place[0]) from cause
        low, high = found or (offset, offset)
        return int(min(max(offset, low), max(high, low)))
