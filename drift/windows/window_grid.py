"""Bounds of windows by time: every so many milliseconds since 1970, or days, weeks and months of a time zone.

Pure. Panes are on a separate grid (`drift.windows.pane_placement`); `PANE_OF_A_CALENDAR_MS` says which fit in here.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import Final

from drift.binning.week_hours import UTC_NAME, zone_of

PANE_OF_A_CALENDAR_MS: Final = 900_000
"""Every time zone of today is a whole number of quarter hours from UTC: panes that divide it end with its days."""


class Calendar(StrEnum):
    """Units of windows by the calendar; a week begins on Monday."""

    NONE = ""
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class WindowGrid:
    """Cuts event time."""

    width_ms: int
    """Of a window; means nothing where a calendar is given."""
    calendar: Calendar = Calendar.NONE
    time_zone: str = UTC_NAME

    def around(self, moment: int) -> tuple[int, int]:
        """Start and end, exclusive, of the window that holds an event time; milliseconds since 1970."""
        if self.calendar is Calendar.NONE:
            start = moment // self.width_ms * self.width_ms
            return start, start + self.width_ms
        # A minute is finer than any border, and lets the panes of a window share one entry.
        return _around(self.calendar, zone_of(self.time_zone), moment // 60_000)


@lru_cache(maxsize=65_536)
def _around(calendar: Calendar, zone: tzinfo, minute: int) -> tuple[int, int]:
    day = datetime.fromtimestamp(minute * 60, zone).date()
    if calendar is Calendar.WEEK:
        day -= timedelta(days=day.weekday())
        after = day + timedelta(days=7)
    elif calendar is Calendar.MONTH:
        day = day.replace(day=1)
        after = (day + timedelta(days=31)).replace(day=1)
    else:
        after = day + timedelta(days=1)
    # By the date and not by adding hours: a day of a change of clocks has 23 or 25.
    start, end = (datetime.combine(each, time(), zone).timestamp() for each in (day, after))
    return round(start * 1_000), round(end * 1_000)
