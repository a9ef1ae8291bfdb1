"""Reviews against the score: counts by week, reason, officer and number of officers.

An override is what the view `override_rates` counts (`ledger.sql.views`): a review against an automatic decision,
or, of a referred case, against the nearer cut-off. Of each application the last word counts, once. Each call blocks.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from ledger.sql.table_columns import time_text
from ledger.sql.views import AGAINST_SCORE, OVERRIDDEN
from schemas.small_groups import is_small

MOST_REVIEWS: Final = 50_000
"""The latest ones that are read: half a second."""
ALONE: Final = "one officer"
PAIR: Final = "two officers"


@dataclass(frozen=True, slots=True)
class OverrideCount:
    """Reviews of one week, reason or officer."""

    name: str
    reviewed: int
    overridden: int

    @property
    def rate(self) -> float | None:
        """Share of overrides; None of too few."""
        return self.overridden / self.reviewed if not is_small(self.reviewed) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideBreakdown:
    """The same reviews, parted in four ways; a review with two reasons counts for each of them."""

    total: OverrideCount
    weeks: Sequence[OverrideCount]
    """By their Monday, UTC, as `2026-11-23`; the latest first."""
    reasons: Sequence[OverrideCount]
    """By code; of these and the officers the most reviewed first."""
    officers: Sequence[OverrideCount]
    pairs: Sequence[OverrideCount]
    """`ALONE` and `PAIR`."""


def override_breakdown(connection: sa.Connection, since: datetime) -> OverrideBreakdown:
    """Of the reviews from a moment on, the latest `MOST_REVIEWS` at most."""
    query = sa.text(
        "SELECT reviewed_at, reviewer, second_reviewer, review_reason_codes,"  # noqa: S608 - constants
        f" CASE WHEN ({OVERRIDDEN}) OR ({AGAINST_SCORE}) THEN 1 ELSE 0 END"
        " FROM final_decisions WHERE review_outcome IS NOT NULL AND reviewed_at >= :since"
        " ORDER BY reviewed_at DESC LIMIT :most"
    )
    parted: dict[str, tuple[Counter[str], Counter[str]]] = {
        way: (Counter(), Counter()) for way in ("total", "weeks", "reasons", "officers", "pairs")
    }
    for reviewed_at, reviewer, second, codes, override in connection.execute(
        query, {"since": time_text(since), "most": MOST_REVIEWS}
    ):
        names = {
            "total": ["all"],
            "weeks": [_monday(reviewed_at)],
            "reasons": codes if isinstance(codes, list) else json.loads(codes),
            "officers": [reviewer],
            "pairs": [ALONE if second is None else PAIR],
        }
        for way, (reviewed, overridden) in parted.items():
            reviewed.update(names[way])
            overridden.update(names[way] if override else ())
    found = {way: _counts(*counters) for way, counters in parted.items()}
    return OverrideBreakdown(
        total=found["total"][0] if found["total"] else OverrideCount("all", 0, 0),
        weeks=sorted(found["weeks"], key=lambda each: each.name, reverse=True),
        reasons=found["reasons"],
        officers=found["officers"],
        pairs=found["pairs"],
    )


def _counts(reviewed: Mapping[str, int], overridden: Mapping[str, int]) -> list[OverrideCount]:
    ordered = sorted(reviewed.items(), key=lambda each: (-each[1], each[0]))
    return [OverrideCount(name, count, overridden.get(name, 0)) for name, count in ordered]


def _monday(reviewed_at: datetime | str) -> str:
    day = datetime.fromisoformat(reviewed_at) if isinstance(reviewed_at, str) else reviewed_at
    return f"{(day - timedelta(days=day.weekday())).date()}"
