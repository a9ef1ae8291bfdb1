"""When a request is repeated, and after how long. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

REPEATED: Final = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may succeed. 504: the application is accepted, and its decision comes later."""


@dataclass(frozen=True, slots=True)
class RetryRule:
    """Waits double from one attempt to the next, unless the gateway says how long."""

    attempts: int = 4
    timeout_s: float = 30.0
    """Of one attempt; longer than the gateway's own (`LOAN_GATEWAY_TIMEOUT_S`, 10 s)."""
    first_wait_s: float = 0.2
    longest_wait_s: float = 30.0
    """If the gateway asks for a longer wait, the caller gets the error at once."""

    def wait_s(self, attempt: int, told_s: float | None = None) -> float | None:
        """Time until the next attempt; None if there is none.

        Args:
            attempt: that failed, from 1.
            told_s: by the gateway, in `Retry-After`.
        """
        if attempt >= self.attempts:
            return None
        if told_s is not None:
            return told_s if told_s <= self.longest_wait_s else None
        return min(self.first_wait_s * 2.0 ** (attempt - 1), self.longest_wait_s)


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks for, as a number or a date; None where it says nothing."""
    if not header:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max((until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - now.timestamp(), 0.0)
