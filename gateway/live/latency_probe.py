"""Latency of a few decisions: from the timestamp of an application's record to that of its decision's.

A decision carries its application's coordinates, not its time, so a separate consumer reads those few records again,
one a partition. Belongs to one thread; an error counts as no measurement.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from confluent_kafka import TopicPartition

from gateway.live.activity import Activity, ActivitySample
from streams.kafka.group.consumer_config import ConsumerConfig, properties
from streams.kafka.kafka_errors import CLIENT_FAULTS
from streams.runtime.settings import Connection

EVERY_S: Final = 2.0
FETCH_S: Final = 1.0
FETCH_BYTES: Final = 65_536

log = structlog.get_logger(__name__)


class LatencyProbe:
    """Looks every few seconds."""

    def __init__(
        self,
        connection: Connection,
        topic: str,
        make: Callable[[dict[str, Any]], Any],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connects nothing before the first look.

        Args:
            make: makes a consumer.
        """
        self._properties = properties(
            connection,
            ConsumerConfig(topics=[topic]),
            fetch_message_max_bytes=FETCH_BYTES,
            queued_max_messages_kbytes=1_024,
        )
        self._topic, self._make, self._clock = topic, make, clock
        self._consumer: Any = None
        self._due = 0.0

    def look(self, activity: Activity) -> None:
        """Take the time of the latest sample of each partition, where it is time to."""
        if self._clock() < self._due:
            return
        self._due = self._clock() + EVERY_S
        wanted = {sample.partition: sample for sample in activity.latest()}
        if not wanted:
            return
        try:
            self._take(activity, wanted)
        except CLIENT_FAULTS as cause:
            log.debug("latency.unknown", error=type(cause).__name__)

    def close(self) -> None:
        if self._consumer is not None:
            self._consumer.close()

    def _take(self, activity: Activity, wanted: dict[int, ActivitySample]) -> None:
        self._consumer = self._consumer or self._make(self._properties)
        self._consumer.assign([TopicPartition(self._topic, each.partition, each.offset) for each in wanted.values()])
        until = self._clock() + FETCH_S
        while wanted and self._clock() < until:
            for message in self._consumer.consume(1, 0.1):
                sample = None if message.error() is not None else wanted.pop(message.partition(), None)
                if sample is not None and sample.offset == message.offset():
                    activity.took(max(float(sample.produced_ms - message.timestamp()[1]), 0.0))
        self._consumer.unassign()
