"""The usual week: a window is compared with applicants of the same hours of the week.

Night applicants differ from those of noon, and a profile is of both. The counts are in the bins of one champion's
profile, so a usual week ends with that champion. A declared season goes before it. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from drift.binning.binned_records import Integers
from drift.binning.reference import Reference
from drift.binning.week_hours import HOURS_A_WEEK, hour_occurrences, hours_between, week_hours_of
from drift.detection.row_expectation import RowsByHour
from drift.windows.window import Window
from schemas.events.drift import HourCounts, UsualWeek


def usual_week(cells: Integers, times: npt.NDArray[np.int64], reference: Reference, time_zone: str) -> UsualWeek:
    """The week of some applicants.

    Args:
        cells: shape (n, features); the place of each value in the reference's layout.
        times: shape (n,); when each applied, milliseconds since 1970.
    """
    hours, weeks = week_hours_of(times, time_zone), hour_occurrences(times, time_zone)
    size = reference.applications.size
    counts = np.zeros((HOURS_A_WEEK, size), dtype=np.int64)
    np.add.at(counts, (hours[:, None], cells), 1)
    return UsualWeek(
        reference_id=reference.reference_id,
        time_zone=time_zone,
        hours=tuple(
            HourCounts(hour=hour, counts=tuple(counts[hour].tolist()), weeks=int(weeks[hour]))
            for hour in np.unique(hours).tolist()
        ),
    )


def reference_for(window: Window, reference: Reference, week: UsualWeek | None, minimum_n: int) -> Reference:
    """The reference of a window; the profile's where the hours have fewer than `minimum_n` applicants."""
    if week is None or week.reference_id != reference.reference_id:
        return reference
    rows = RowsByHour.of_week(week, len(reference.applications.binned))
    reference = replace(reference, expected_rows=rows.rows_between(window.start, window.end) if rows else 0.0)
    layout = reference.applications
    hours = hours_between(window.start, window.end, week.time_zone)
    found = [each.counts for each in week.hours if each.hour in hours and len(each.counts) == layout.size]
    total = np.sum(np.array(found, dtype=np.int64).reshape(len(found), layout.size), axis=0)
    by_name = {binned.name: layout.counts_of(place, total) for place, binned in enumerate(layout.binned)}
    applicants = min((int(counts.sum()) for counts in by_name.values()), default=0)
    if applicants < minimum_n:
        return reference
    return reference.with_features({name: tuple(counts.tolist()) for name, counts in by_name.items()})


def dump(week: UsualWeek | None) -> Mapping[str, Any] | None:
    """Plain data that `load` makes it of again."""
    return asdict(week) if week else None


def load(saved: Mapping[str, Any] | None) -> UsualWeek | None:
    return UsualWeek(**{**saved, "hours": _hours(saved["hours"])}) if saved else None


def _hours(saved: Sequence[Mapping[str, Any]]) -> tuple[HourCounts, ...]:
    return tuple(HourCounts(**{**each, "counts": tuple(each["counts"])}) for each in saved)
