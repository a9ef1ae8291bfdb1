"""Figures of the page Live: the parts that collect them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from gateway.live.activity import Activity
from gateway.live.recent_events import RecentEvents


class Lag(Protocol):
    """The part of `streams.kafka.group.lag_monitor.LagMonitor` that is needed here."""

    @property
    def known(self) -> bool:
        """True once the broker has answered."""

    def records(self) -> float:
        """Applications that wait for a worker."""

    def seconds(self) -> float:
        """Age of the oldest."""


@dataclass(frozen=True)
class Live:
    activity: Activity
    lag: Lag
    events: RecentEvents = field(default_factory=RecentEvents)
    closing: Callable[[], bool] = lambda: False
    """True once the gateway stops: viewers are disconnected."""
