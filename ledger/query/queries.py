"""Queries of one application.

Each function takes a connection of `Database.read_transaction`; arguments are bound, never part of the SQL. Lists for
pages are in `ledger.query.review_queue`, rates in `ledger.query.rates`, timelines in `ledger.query.history`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

import sqlalchemy as sa

from ledger.sql.ledger_tables import decisions, outcomes, reviews
from schemas.events.decisions import (
    Contribution,
    ContributionSpace,
    DataFlag,
    FlagKind,
    LoanDecision,
    LoanOutcome,
    Outcome,
    Reason,
)
from schemas.events.reviews import LoanReview

Event = TypeVar("Event")
MOST: Final = 1_000
"""Rows of one answer about one application: an upstream system that sends one id for ever cannot fill a page."""
FIRST: Final = (decisions.c.recorded_at, decisions.c.record_partition, decisions.c.record_offset)
"""Tells which of an application's decisions is the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent(Generic[Event]):
    """An event, with its record's coordinates."""

    event: Event
    topic: str
    partition: int
    offset: int
    recorded_at: datetime
    """When it was produced."""
    chain: str
    """Link of the hash chain, hexadecimal."""


def decision(connection: sa.Connection, application_id: str) -> RecordedEvent[LoanDecision] | None:
    """The decision that counts: the application's first. None if the ledger has none (yet)."""
    found = decisions_of(connection, application_id, most=1)
    return found[0] if found else None


def first_decisions(
    connection: sa.Connection, application_ids: Sequence[str]
) -> dict[str, RecordedEvent[LoanDecision]]:
    """The decision that counts on each application that has one, by application id; one query."""
    place = sa.func.row_number().over(partition_by=decisions.c.application_id, order_by=FIRST).label("place")
    ranked = sa.select(decisions, place).where(decisions.c.application_id.in_(application_ids)).subquery()
    rows = connection.execute(sa.select(ranked).where(ranked.c.place == 1)).mappings()
    return {row["application_id"]: recorded_event(row, decision_event(row)) for row in rows}


def decisions_of(
    connection: sa.Connection, application_id: str, most: int = MOST
) -> Sequence[RecordedEvent[LoanDecision]]:
    """All decisions on an application, the first one first."""
    query = sa.select(decisions).where(decisions.c.application_id == application_id).order_by(*FIRST).limit(most)
    return [recorded_event(row, decision_event(row)) for row in connection.execute(query).mappings()]


def reviews_of(connection: sa.Connection, application_id: str) -> Sequence[RecordedEvent[LoanReview]]:
    """All reviews of an application, the earliest first: the last APPROVE or DECLINE counts."""
    query = (
        sa.select(reviews)
        .where(reviews.c.application_id == application_id)
        .order_by(reviews.c.reviewed_at, reviews.c.record_partition, reviews.c.record_offset)
        .limit(MOST)
    )
    return [recorded_event(row, review_event(row)) for row in connection.execute(query).mappings()]


def outcomes_of(connection: sa.Connection, application_id: str) -> Sequence[RecordedEvent[LoanOutcome]]:
    """All outcomes of an application's loan, the earliest first: the last one counts."""
    query = (
        sa.select(outcomes)
        .where(outcomes.c.application_id == application_id)
        .order_by(outcomes.c.observed_at, outcomes.c.record_partition, outcomes.c.record_offset)
        .limit(MOST)
    )
    return [
        recorded_event(
            row,
            LoanOutcome(
                application_id=row["application_id"], defaulted=row["defaulted"], observed_at=row["observed_at"]
            ),
        )
        for row in connection.execute(query).mappings()
    ]


def recorded_event(row: Any, event: Event) -> RecordedEvent[Event]:
    """An event with its record's place, of a row's mapping."""
    return RecordedEvent(
        event=event,
        topic=row["record_topic"],
        partition=row["record_partition"],
        offset=row["record_offset"],
        recorded_at=row["recorded_at"],
        chain=row["chain"],
    )


def decision_event(row: Any) -> LoanDecision:
    nested = {"contributions", "reasons", "flags", "outcome", "contribution_space", "code_version"}
    plain = {name: row[name] for name in LoanDecision.__slots__ if name not in nested}
    values = json.loads(row["feature_values"])
    return LoanDecision(
        **plain,
        outcome=Outcome(row["outcome"]),
        contribution_space=ContributionSpace(row["contribution_space"]),
        code_version=row["code_version"] or "",
        contributions=tuple(
            Contribution(feature=feature, value=values.get(feature), contribution=added)
            for feature, added in json.loads(row["contributions"]).items()
        ),
        reasons=tuple(
            Reason(code=each["code"], text=each["text"], features=tuple(each["features"]))
            for each in json.loads(row["reasons"])
        ),
        flags=tuple(
            DataFlag(feature=each["feature"], kind=FlagKind(each["kind"])) for each in json.loads(row["flags"])
        ),
    )


def review_event(row: Any) -> LoanReview:
    nested = {"outcome", "reason_codes"}
    plain = {name: row[name] for name in LoanReview.__slots__ if name not in nested}
    return LoanReview(**plain, outcome=Outcome(row["outcome"]), reason_codes=tuple(json.loads(row["reason_codes"])))
