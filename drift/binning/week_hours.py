"""Hours of the week in a time zone: 0 is Monday, midnight to one o'clock; 167 is Sunday's last.

Pure. Quiet hours and the usual week (`drift.detection.usual_week`) are sets of them.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from drift.binning.binned_records import Integers

UTC_NAME: Final = "UTC"
HOURS_A_DAY: Final = 24
HOURS_A_WEEK: Final = 168
HOUR_MS: Final = 3_600_000
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
STRETCH: Final = re.compile(
    rf"(?P<first>{'|'.join(DAYS)})?(?:-(?P<last>{'|'.join(DAYS)}))?\s*"
    r"(?:(?P<begin>\d{1,2})(?::00)?-(?P<end>\d{1,2})(?::00)?)?"
)

WeekHours = frozenset[int]


@lru_cache(maxsize=64)
def parse(text: str) -> WeekHours:
    """The hours of stretches such as `22-6, Sat-Sun` or `Mon-Fri 20:00-07:00`, separated by commas.

    A stretch over midnight begins on its days. Without days it is of every day, without hours of the whole day.

    Raises:
        ValueError: a part is no such stretch.
    """
    parts = [part.strip() for part in text.split(",")]
    return frozenset(hour for part in parts if part for hour in _stretch(part))


def hours_between(start: int, end: int, time_zone: str) -> WeekHours:
    """Hours of the week of which the period has a part.

    Args:
        start: milliseconds since 1970, inclusive.
        end: exclusive; after `start`.
    """
    if end - start >= HOURS_A_WEEK * HOUR_MS:
        return frozenset(range(HOURS_A_WEEK))
    return frozenset(hour for hour, _ in hour_shares(start, end, time_zone))


def week_hours_of(times: Integers, time_zone: str) -> Integers:
    """Hour of the week of each time, shape (n,)."""
    zone = zone_of(time_zone)
    return np.array([hour_of(moment, zone) for moment in times.tolist()], dtype=np.int64)


def hour_occurrences(times: Integers, time_zone: str) -> Integers:
    """How often each hour of the week occurs from the first of the times to the last, shape (168,)."""
    first, last = int(times.min()), int(times.max())
    begin, end = (_local(moment, time_zone) // HOUR_MS for moment in (first, last))
    passed = (hour_of(first, zone_of(time_zone)) + np.arange(min(end - begin + 1, HOURS_A_WEEK))) % HOURS_A_WEEK
    whole, rest = divmod(end - begin + 1, HOURS_A_WEEK)
    found = np.full(HOURS_A_WEEK, whole, dtype=np.int64)
    found[passed[:rest]] += 1
    return found


def hour_shares(start: int, end: int, time_zone: str) -> Iterator[tuple[int, float]]:
    """Hours of the week that a stretch touches, each with the share of it that lies within."""
    zone = zone_of(time_zone)
    while start < end:
        after = min(end, start + HOUR_MS - _local(start, time_zone) % HOUR_MS)
        yield hour_of(start, zone), (after - start) / HOUR_MS
        start = after


def hour_of(moment: int, zone: tzinfo) -> int:
    """Hour of the week of a time in milliseconds since 1970."""
    local = datetime.fromtimestamp(moment / 1_000, zone)
    return local.weekday() * HOURS_A_DAY + local.hour


def zone_of(time_zone: str) -> tzinfo:
    """UTC needs no database of time zones: a small image may have none."""
    return UTC if time_zone == UTC_NAME else ZoneInfo(time_zone)


def _local(moment: int, time_zone: str) -> int:
    """The clock's reading, in milliseconds as if it were UTC's."""
    offset = datetime.fromtimestamp(moment / 1_000, zone_of(time_zone)).utcoffset()
    return moment + round(offset.total_seconds() * 1_000) if offset else moment


def _stretch(part: str) -> Iterator[int]:
    found = STRETCH.fullmatch(part)
    begin, end = (int(found[name] or 0) for name in ("begin", "end")) if found else (0, 0)
    if not found or (found["last"] and not found["first"]) or max(begin, end) > HOURS_A_DAY:
        message = f"{part[:40]!r} names no hours of the week, such as 22-6, Sat-Sun or Mon-Fri 20-7"
        raise ValueError(message)
    first = DAYS.index(found["first"]) if found["first"] else 0
    last = DAYS.index(found["last"]) if found["last"] else first if found["first"] else len(DAYS) - 1
    hours = (end - begin) % HOURS_A_DAY or HOURS_A_DAY
    for day in range(first, last + 1 + (len(DAYS) if last < first else 0)):
        for hour in range(hours):
            yield (day * HOURS_A_DAY + begin + hour) % HOURS_A_WEEK
