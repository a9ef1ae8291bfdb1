"""Event time as milliseconds since 1970 and as `datetime`, UTC."""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def time_of(milliseconds: int) -> datetime:
    """The time, to the millisecond; a float of seconds would round."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def millis_of(time: datetime) -> int:
    """Milliseconds since 1970."""
    return (time - EPOCH) // timedelta(milliseconds=1)
