"""Records that arrive on topics while one watches, each with the moment it arrived.

A thread around `streams.kafka.topics.messages.Follower`. Records to events: `loanctl.reports.event_log`.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Self

from schemas.errors import LoanError
from schemas.topics import Topic
from streams.kafka.topics.messages import Follower, ends
from streams.kafka.topics.topic_reader import Record, partition_ranges, record_of
from streams.runtime.settings import Connection

POLL_S: Final = 0.05
MOST: Final = 2_000
"""Messages taken at once."""
FETCH_WAIT_MS: Final = 100
"""How long the broker waits for records before it says that there are none; it hands on at once those that come.

Asked a hundred times a second, it takes a tenth of a processor more than at this rate, and records come no sooner.
"""
NS_PER_MS: Final = 1_000_000


class Watcher:
    """Follows topics from their beginning, in a thread, and keeps every record with the moment it came."""

    def __init__(self, connection: Connection, topics: Sequence[Topic]) -> None:
        ranges = partition_ranges(connection, [topic.name for topic in topics])
        self._follower = Follower(connection, fetch_wait_max_ms=FETCH_WAIT_MS)
        self._follower.follow({(each.topic, each.partition): each.first for each in ranges})
        self._records: dict[str, list[Record]] = {topic.name: [] for topic in topics}
        self._arrivals: dict[str, list[int]] = {topic.name: [] for topic in topics}
        self._fault: LoanError | None = None
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="watcher", daemon=True)

    def records(self, topic: Topic) -> list[Record]:
        """What came of one topic so far, in the order it came."""
        with self._news:
            return list(self._records[topic.name])

    def arrivals(self, topic: Topic) -> dict[tuple[int, int], int]:
        """When each record of a topic was in our hands, milliseconds since 1970, by partition and offset."""
        with self._news:
            came = zip(self._records[topic.name], self._arrivals[topic.name], strict=True)
            return {(record.partition, record.offset): arrival for record, arrival in came}

    def wait_for(self, happened: Callable[[], bool], timeout_s: float) -> bool:
        """Whether it happened in time; asked again after everything that comes.

        Raises:
            OutageError, SetupError: the topics cannot be followed any more.
        """
        deadline = time.monotonic() + timeout_s
        while not happened():
            if self._fault is not None:
                raise self._fault
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with self._news:
                self._news.wait(min(left, 1.0))
        return True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._follower.close()

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                messages = self._follower.poll(1, POLL_S)
                messages += self._follower.poll(MOST) if messages else []
            except LoanError as fault:
                # Of another thread: raised to the one that waits.
                self._fault = fault
                return
            found = [message for message in messages if not ends(message)]
            if found:
                self._keep(found, time.time_ns() // NS_PER_MS)

    def _keep(self, messages: Sequence[Any], now: int) -> None:
        with self._news:
            for record in map(record_of, messages):
                self._records[record.topic].append(record)
                self._arrivals[record.topic].append(now)
            self._news.notify_all()
