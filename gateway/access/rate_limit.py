"""Rate limit of each caller's requests: a token bucket that refills with the clock."""

import time
from collections.abc import Callable
from typing import Final

BURST_S: Final = 2.0
"""A caller that was silent may ask for so many seconds' worth at once."""


class RateLimiter:
    """One bucket a caller. Belongs to the event loop's thread; as many buckets as there are callers."""

    def __init__(self, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """All buckets full.

        Args:
            per_s: 0 for no limit.
        """
        self._per_s = per_s
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait_s(self, caller: str, cost: float = 1.0) -> float:
        """0 if the caller may continue, and the request is counted; else seconds to wait."""
        if not self._per_s:
            return 0.0
        now = self._clock()
        full = max(self._per_s * BURST_S, cost)
        left, at = self._buckets.get(caller, (full, now))
        left = min(full, left + (now - at) * self._per_s)
        if left < cost:
            self._buckets[caller] = (left, now)
            return (cost - left) / self._per_s
        self._buckets[caller] = (left - cost, now)
        return 0.0
