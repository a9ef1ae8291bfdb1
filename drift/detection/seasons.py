"""Declared seasons: periods of event time whose applicants are compared with those of the same season before.

A season's counts are in the bins of one champion's profile, so it ends with that champion. A window
that begins before a season or ends after it is compared with the profile. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from drift.binning.reference import Reference
from drift.windows.window import Window
from schemas.events.drift import Season, SeasonCounts
from schemas.timestamps import millis_of, time_of

MOST: Final = 24
"""Seasons of one champion remembered, the latest declared: two years of months, and bounded."""

Seasons = tuple[Season, ...]


def declare(seasons: Seasons, season: Season) -> Seasons:
    """With one more, and without those of former champions; if two contain a window, the one declared last counts."""
    return (season, *(each for each in seasons if each.reference_id == season.reference_id))[:MOST]


def reference_for(window: Window, reference: Reference, seasons: Seasons) -> Reference:
    for season in seasons:
        within = millis_of(season.start) <= window.start and window.end <= millis_of(season.end)
        if within and season.reference_id == reference.reference_id:
            return reference.in_season(season)
    return reference


def dump(seasons: Seasons) -> Sequence[Mapping[str, Any]]:
    """Plain data that `load` makes them of again."""
    return [{**asdict(each), "start": millis_of(each.start), "end": millis_of(each.end)} for each in seasons]


def load(saved_seasons: Sequence[Mapping[str, Any]]) -> Seasons:
    return tuple(
        Season(
            start=time_of(each["start"]),
            end=time_of(each["end"]),
            reference_id=each["reference_id"],
            counts=tuple(SeasonCounts(**counts) for counts in each["counts"]),
        )
        for each in saved_seasons
    )
