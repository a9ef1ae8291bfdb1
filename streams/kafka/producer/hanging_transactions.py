"""Ends transactions whose markers the broker lost, by an aborted transaction of the same producer.

A broker that commits a transaction while one of its partitions has no leader takes that partition for deleted, writes
no marker to it, and notes the transaction as complete (Apache Kafka 4.3, `TransactionMarkerChannelManager`; seen with
one broker that is stopped or killed). The records stay hidden then, and the group's offsets unstable, until a later
transaction of the same producer id ends in those partitions. While the offsets are unstable nobody begins behind them:
an abort undoes both, and what they answer is answered once. Where only some of the markers are lost, an answer is
repeated, with the same bytes.
"""

from typing import Final

import structlog
from confluent_kafka import Consumer, TopicPartition

from schemas.access import KafkaPrincipal, Operation, topic_operations
from schemas.errors import OutageError
from streams.kafka.admin import partitions_of
from streams.kafka.group.consumer_config import ConsumerConfig, properties
from streams.kafka.kafka_errors import UnstableOffsetsError
from streams.kafka.producer.transactions import TransactionalProducer
from streams.runtime.settings import Connection

FIRST: Final = 0
"""One offset of the group is enough: a marker is of a producer id, whatever it committed."""

log = structlog.get_logger(__name__)


class HangingTransactions:
    """Of one transactional id: remembers the doubt of one session, and ends it in the next. Used from one thread."""

    def __init__(self, connection: Connection, principal: KafkaPrincipal) -> None:
        """Suspects nothing yet.

        Args:
            connection: broker.
            principal: whose transactions they are, which names the topics that they write.
        """
        self._connection = connection
        operations = topic_operations(principal, connection.topics())
        self._outputs = sorted(topic for topic, its in operations.items() if Operation.WRITE in its)
        self._suspected: UnstableOffsetsError | None = None

    def doubt(self, fault: OutageError) -> None:
        """Remember that a session ended because the group's offsets stayed unstable."""
        if isinstance(fault, UnstableOffsetsError):
            self._suspected = fault

    def abort(self, producer: TransactionalProducer) -> None:
        """End what may hang; does nothing without a doubt. Another producer id's transaction is not touched by it.

        Args:
            producer: of this transactional id, open, with nothing under way.

        Raises:
            OutageError: the broker is away; the producer can no longer be used.
            SetupError: a topic does not exist, or must not be written.
        """
        # Once for each doubt: what this does not end is another's.
        suspected, self._suspected = self._suspected, None
        if suspected is None:
            return
        places = [(topic, each) for topic in self._outputs for each in partitions_of(self._connection, topic)]
        offsets = [TopicPartition(topic, FIRST, FIRST) for topic in suspected.topics]
        consumer = Consumer(properties(self._connection, ConsumerConfig(topics=[], group=suspected.group)))
        try:
            producer.abort_in(places, offsets, consumer.consumer_group_metadata())
        finally:
            consumer.close()
        log.warning("transaction.aborted", group=suspected.group, topics=self._outputs)
