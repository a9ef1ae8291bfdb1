"""Tags of a version, sufficient to report its result and to finish its promotion. Pure."""

from datetime import date, datetime
from typing import Final

from scorecard.registry.registered_version import RegisteredVersion

COMMAND: Final = "command_id"
VERDICT: Final = "verdict"
WHY: Final = "why"
PREVIOUS: Final = "previous_version"
"""The champion that a version followed, or would follow."""
COMPARED: Final = "compared_at"
"""When it was compared with the champion that it would follow; absent where it could not be."""
ROWS: Final = "rows"
VALID_UNTIL: Final = "valid_until"
"""The day by which it must be validated anew."""
PROMOTED_AT: Final = "promoted_at"
PROMOTED_WHY: Final = "promoted_why"
TAKEN_BACK: Final = "taken_back_at"
TAKEN_BACK_WHY: Final = "taken_back_why"
METRIC: Final = "metric."
"""Before a figure's name."""
IMPACT_RATIO: Final = f"{METRIC}least_adverse_impact_ratio"
"""Absent where no two watched groups are compared."""


def is_past_validity(version: RegisteredVersion, today: date) -> bool:
    """Whether its validation has ended; never for a version from before that was recorded."""
    until = version.tags.get(VALID_UNTIL)
    return until is not None and date.fromisoformat(until) < today


def promotion_time(champion: RegisteredVersion | None) -> datetime | None:
    """Time of its promotion; None if there is no champion, or its tags do not contain it."""
    told = champion.tags.get(PROMOTED_AT) if champion else None
    return datetime.fromisoformat(told) if told else None
