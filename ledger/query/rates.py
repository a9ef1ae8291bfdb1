"""Rates of approval, review and default, over a period of event time.

From the views of the same names (`ledger.sql.views`), which define what counts; here they are summed over days.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ledger.sql.table_columns import storable, time_text
from ledger.sql.views import AGAINST_SCORE, OVERRIDDEN
from schemas.small_groups import is_small


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSpan:
    """Applications signed from `since` on and before `until`; None for no limit."""

    since: datetime | None = None
    until: datetime | None = None
    scorecard_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRate:
    """Applications, each once, by the last word on them."""

    decisions: int
    approved: int
    referred: int
    """Still waiting for a person."""
    declined: int
    automatic: int
    """Approved by the scorecard alone."""

    @property
    def rate(self) -> float | None:
        """Share approved; None of too few."""
        return self.approved / self.decisions if not is_small(self.decisions) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideRate:
    """Reviewed applications.

    An override is a review against an automatic APPROVE or DECLINE, or, of a referred case, against the nearer cut-off.
    """

    reviewed: int
    approved: int
    declined: int
    overridden: int
    """Against an automatic decision."""
    against_score: int
    """Of a referred case, against the nearer cut-off."""

    @property
    def rate(self) -> float | None:
        """Share of overrides of both kinds; None of too few."""
        return (self.overridden + self.against_score) / self.reviewed if not is_small(self.reviewed) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultRate:
    """Loans whose outcome is known."""

    loans: int
    defaults: int
    stated: float | None
    """Mean probability of the same loans; None of too few."""

    @property
    def rate(self) -> float | None:
        """Share of defaults; None of too few."""
        return self.defaults / self.loans if not is_small(self.loans) else None


COUNT = "coalesce(sum(CASE WHEN {} THEN 1 ELSE 0 END), 0)"


def approval_rate(connection: sa.Connection, stretch: TimeSpan) -> ApprovalRate:
    """Of the stretch's applications."""
    counts = _counts(
        connection,
        "final_decisions",
        stretch,
        decisions="1 = 1",
        approved="final_outcome = 'APPROVE'",
        referred="final_outcome = 'REFER'",
        declined="final_outcome = 'DECLINE'",
        automatic="outcome = 'APPROVE'",
    )
    return ApprovalRate(**counts)


def override_rate(connection: sa.Connection, stretch: TimeSpan) -> OverrideRate:
    """Of the stretch's applications that a person reviewed."""
    counts = _counts(
        connection,
        "final_decisions",
        stretch,
        reviewed="review_outcome IS NOT NULL",
        approved="review_outcome = 'APPROVE'",
        declined="review_outcome = 'DECLINE'",
        overridden=OVERRIDDEN,
        against_score=AGAINST_SCORE,
    )
    return OverrideRate(**counts)


def default_rate(connection: sa.Connection, stretch: TimeSpan) -> DefaultRate:
    """Of the stretch's loans whose outcome is known."""
    counts = _counts(connection, "loan_performance", stretch, loans="1 = 1", defaults="defaulted")
    condition, values = _condition(stretch)
    mean = sa.text(f"SELECT avg(probability), count(probability) FROM loan_performance WHERE {condition}")  # noqa: S608 - bound values
    stated, scored = connection.execute(mean, values).one()
    return DefaultRate(**counts, stated=None if is_small(scored) else stated)


def _counts(connection: sa.Connection, view: str, stretch: TimeSpan, **conditions: str) -> dict[str, int]:
    columns = ", ".join(f"{COUNT.format(condition)} AS {name}" for name, condition in conditions.items())
    condition, values = _condition(stretch)
    query = sa.text(f"SELECT {columns} FROM {view} WHERE {condition}")  # noqa: S608 - values are bound
    return dict(connection.execute(query, values).mappings().one())


def _condition(stretch: TimeSpan) -> tuple[str, dict[str, object]]:
    asked = {
        "applied_at >= :since": stretch.since and time_text(stretch.since),
        "applied_at < :until": stretch.until and time_text(stretch.until),
        "scorecard_version = :scorecard_version": stretch.scorecard_version and storable(stretch.scorecard_version),
    }
    known = {condition: value for condition, value in asked.items() if value is not None}
    return " AND ".join(["1 = 1", *known]), {name.rpartition(":")[2]: value for name, value in known.items()}
