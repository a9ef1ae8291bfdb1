"""Pauses partitions that are far ahead of the others, and resumes them: the shell of `drift.windows.alignment`."""

from collections.abc import Mapping

import structlog

from drift.windows.alignment import ReadProgress, partitions_to_pause
from schemas.records import Partition
from streams.kafka.group.consumer import GroupConsumer

log = structlog.get_logger(__name__)


class Pauses:
    """The partitions of one consumer that rest. Used from the thread that reads."""

    def __init__(self, consumer: GroupConsumer, ahead_ms: int) -> None:
        self._consumer = consumer
        self._ahead_ms = ahead_ms
        self.places: frozenset[Partition] = frozenset()

    def align(self, progress: Mapping[Partition, ReadProgress]) -> None:
        """Let rest who is far ahead."""
        wanted = partitions_to_pause(progress, self.places, self._ahead_ms)
        if wanted == self.places:
            return
        self._consumer.pause(wanted - self.places)
        self._consumer.resume(self.places - wanted)
        self.places = wanted
        log.debug("partitions.paused", partitions=[f"{topic}-{partition}" for topic, partition in sorted(wanted)])

    def forget(self) -> None:
        """A rebalance has resumed them all."""
        self.places = frozenset()
