"""The latest drift reports, retrain commands, their results and announcements of champions, in memory. Pure.

Called from the reading thread and the event loop.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Event = Mapping[str, Any]
"""As Avro gives it."""

WINDOWS: Final = 36
"""Of a heat map: a day and a half of hourly windows, as wide as a screen shows."""
MOST: Final = 50


@dataclass
class EventList:
    """The latest events of one kind, by their id: one that comes twice is there once."""

    id_field: str
    most: int = MOST
    _events: "OrderedDict[str, Event]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, event: Event) -> None:
        """One more, or the same again in a later state."""
        with self._lock:
            identity = str(event[self.id_field])
            self._events.pop(identity, None)
            self._events[identity] = event
            while len(self._events) > self.most:
                self._events.popitem(last=False)

    def latest(self) -> Sequence[Event]:
        """The latest first."""
        with self._lock:
            return list(reversed(self._events.values()))


@dataclass(frozen=True)
class RecentEvents:
    """Events of the processes other than the worker."""

    reports: EventList = field(default_factory=lambda: EventList("window_id", WINDOWS))
    commands: EventList = field(default_factory=lambda: EventList("command_id"))
    results: EventList = field(default_factory=lambda: EventList("command_id"))
    champions: EventList = field(default_factory=lambda: EventList("announced_at"))

    @property
    def last_report(self) -> Event | None:
        """The last drift report; None before any."""
        return next(iter(self.reports.latest()), None)
