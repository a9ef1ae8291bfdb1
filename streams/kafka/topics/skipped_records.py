"""Records of this project's topics that cannot be read: skipped, counted each time, and logged once."""

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import structlog

from schemas.errors import RecordError

Event = TypeVar("Event")

log = structlog.get_logger(__name__)


class SkippedRecords:
    """Reads what can be read. For one process; used from one thread."""

    def __init__(self, count: Callable[[str, str], object] = lambda _topic, _reason: None) -> None:
        """Has seen nothing yet.

        Args:
            count: called with topic and reason of each skipped record.
        """
        self._count = count
        self.reasons: Counter[tuple[str, str]] = Counter()
        """By topic and reason."""

    def read(self, decode: Callable[[], Event], topic: str, offset: int) -> Event | None:
        """The result of `decode`; None if it raises a RecordError, the first per topic and reason with a log line."""
        try:
            return decode()
        except RecordError as fault:
            self.reasons[topic, fault.reason] += 1
            self._count(topic, fault.reason)
            if self.reasons[topic, fault.reason] == 1:
                log.warning("record.skipped", topic=topic, offset=offset, reason=fault.reason)
            return None
