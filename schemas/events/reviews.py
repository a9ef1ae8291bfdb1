"""Reviews: a person's decision after the scorecard's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.events.decisions import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanReview:
    """A person's decision on an application, which is final. Of several, the latest by `reviewed_at` counts."""

    review_id: str
    application_id: str
    decision_id: str
    outcome: Outcome
    reason_codes: Sequence[str]
    note: str
    reviewer: str
    second_reviewer: str | None
    scorecard_version: str
    scorecard_digest: str
    reviewed_at: datetime
