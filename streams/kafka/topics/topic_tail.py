"""Follows topics from a position near their ends, without a group, across outages of the broker.

A shell around `streams.kafka.topics.messages.Follower`. A consumer that can no longer be used is replaced, and the new
one continues where the old one stopped; added partitions are read from their beginning. Used from one thread.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from schemas.errors import OutageError, SetupError
from schemas.records import Partition
from streams.kafka.topics.messages import Follower, ends
from streams.kafka.topics.topic_reader import PartitionRange, partition_ranges
from streams.runtime.settings import Connection

LOOK_S: Final = 30.0
"""Partitions that were added are looked for so often."""
AGAIN_S: Final = 2.0
"""Between two attempts to replace a consumer."""

log = structlog.get_logger(__name__)

Bounds = Callable[[], list[PartitionRange]]


class TopicTail:
    """Records of some topics as they come."""

    def __init__(
        self,
        connection: Connection,
        back: Mapping[str, int],
        follower: Callable[[Connection], Follower] = Follower,
        bounds: Bounds | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connects nothing before `open`.

        Args:
            connection: broker.
            back: by topic, offsets before its end at which reading begins; transaction markers take offsets, too.
            follower: makes the reader; for tests.
            bounds: where the topics begin and end now; for tests.
            clock: seconds, for the interval of checks.
        """
        self._connection, self._back = connection, back
        self._make, self._clock = follower, clock
        self._bounds = bounds or (lambda: partition_ranges(connection, sorted(back)))
        self._follower: Follower | None = None
        self._next: dict[Partition, int] = {}
        self._due = 0.0

    def open(self) -> None:
        """Take position: no record that is written from now on is missed.

        Raises:
            OutageError: the broker does not answer.
            SetupError: a topic does not exist, or must not be read.
        """
        self._next = {
            (each.topic, each.partition): max(each.first, each.end - self._back[each.topic]) for each in self._bounds()
        }
        self._follow()

    def poll(self, most: int, timeout_s: float) -> list[Any]:
        """Records that have arrived: the first is waited for. Empty, too, while the broker is away."""
        now = self._clock()
        if now >= self._due:
            self._look(now)
        if self._follower is None:
            time.sleep(min(timeout_s, AGAIN_S))
            return []
        try:
            messages = self._follower.poll(1, timeout_s)
            messages += self._follower.poll(most - 1) if messages else []
        except (OutageError, SetupError) as fault:
            log.warning("read.failed", error=type(fault).__name__)
            self.close()
            self._due = now + AGAIN_S
            return []
        records = [message for message in messages if not ends(message)]
        self._next.update({(each.topic(), each.partition()): each.offset() + 1 for each in records})
        return records

    def close(self) -> None:
        """Let go of the consumer; `arrived` takes another."""
        if self._follower is not None:
            self._follower.close()
            self._follower = None

    def _look(self, now: float) -> None:
        """Replace a consumer that is gone, and read new partitions, too."""
        self._due = now + (LOOK_S if self._follower else AGAIN_S)
        try:
            if self._follower is None or self._follower.partitions() - self._next.keys():
                found = {(each.topic, each.partition): each for each in self._bounds()}
                self._next = {place: _resume(self._next.get(place), each) for place, each in found.items()}
                self._follow()
        except (OutageError, SetupError):
            # Logged when the consumer was lost; asked again.
            return

    def _follow(self) -> None:
        self.close()
        follower = self._make(self._connection)
        try:
            follower.follow(self._next)
        except (OutageError, SetupError):
            follower.close()
            raise
        self._follower, self._due = follower, self._clock() + LOOK_S


def _resume(offset: int | None, extent: PartitionRange) -> int:
    """Where reading continues: in a recreated topic, at its beginning."""
    if offset is None or not extent.first <= offset <= extent.end:
        return extent.first
    return offset
