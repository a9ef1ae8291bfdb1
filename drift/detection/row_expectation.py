"""Rows expected of a window: the reference's, by the hours of the week. Pure.

A night brings fewer than a noon, so rows are compared with those of the same hours.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from drift.binning.binned_records import Integers
from drift.binning.week_hours import HOURS_A_WEEK, hour_occurrences, hour_shares, week_hours_of
from schemas.events.drift import DriftRules, UsualWeek, WindowAlarm

FEW: Final = "FEW"
MANY: Final = "MANY"
SIGMAS: Final = 3.0
"""Of forty expected, twenty may come by chance: a count within so many roots of what is expected has not changed."""


@dataclass(frozen=True, slots=True)
class RowsByHour:
    """Mean rows of each hour of the week."""

    rows: npt.NDArray[np.float64]
    """Shape (168,); NaN for an hour of which nothing is known."""
    time_zone: str

    @classmethod
    def of_times(cls, times: Integers, time_zone: str) -> Self:
        """Of applicants by their event times, shape (n,), n at least 1; milliseconds since 1970."""
        counts = np.bincount(week_hours_of(times, time_zone), minlength=HOURS_A_WEEK)
        occurred = hour_occurrences(times, time_zone)
        return cls(np.where(occurred > 0, counts / np.maximum(occurred, 1), np.nan), time_zone)

    @classmethod
    def of_week(cls, week: UsualWeek, features: int) -> Self | None:
        """Of a declared week, each of whose rows is counted in so many features; None if it does not say how often."""
        rows = np.full(HOURS_A_WEEK, np.nan)
        for each in week.hours:
            if not each.weeks:
                return None
            rows[each.hour] = sum(each.counts) / features / each.weeks
        return cls(rows, week.time_zone)

    def rows_between(self, start: int, end: int) -> float:
        """Rows of a stretch of event time, `end` exclusive; 0 where nothing is known of one of its hours."""
        rows = float(sum(self.rows[hour] * share for hour, share in hour_shares(start, end, self.time_zone)))
        return 0.0 if math.isnan(rows) else rows


def row_alarms(rows: int, expected: float, rules: DriftRules) -> Iterator[WindowAlarm]:
    """An alarm if a window's rows are fewer or more than expected by the rules' factor, and not by chance."""
    factor = rules.rows_factor
    if not (factor and expected) or abs(rows - expected) <= SIGMAS * math.sqrt(expected):
        return
    if rows < expected / factor:
        yield WindowAlarm(kind=FEW, share=rows / expected, limit=1.0 / factor)
    elif rows > expected * factor:
        yield WindowAlarm(kind=MANY, share=rows / expected, limit=factor)
