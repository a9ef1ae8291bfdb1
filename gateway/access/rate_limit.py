"""Rate limit of each caller's requests: a token bucket that refills with the clock."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MOST_CALLERS: Final = 10_000
"""Buckets kept: callers that were silent longest are forgotten, and have a full one again."""
BURST_S: Final = 2.0
"""A caller that was silent may ask for so many seconds' worth at once."""


class RateLimiter:
    """One bucket a caller. Belongs to the event loop's thread; at most `MOST_CALLERS` buckets."""

    def __init__(self, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """All buckets full.

        Args:
            per_s: 0 for no limit.
        """
        self._per_s = per_s
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, caller: str, cost: float = 1.0) -> float:
        """0 if the caller may continue, and the request is counted; else seconds to wait."""
        if not self._per_s:
            return 0.0
        now = self._clock()
        full = max(self._per_s * BURST_S, cost)
        left, at = self._buckets.get(caller, (full, now))
        left = min(full, left + (now - at) * self._per_s)
        missing = max(cost - left, 0.0)
        self._buckets[caller] = (left if missing else left - cost, now)
        self._buckets.move_to_end(caller)
        while len(self._buckets) > MOST_CALLERS:
            self._buckets.popitem(last=False)
        return missing / self._per_s
