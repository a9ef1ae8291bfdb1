"""The queue of cases that wait for a person: applications referred by their first decision, not reviewed yet.

Kept as a separate table, updated in the transaction of the decisions and reviews: if it were queried from all decisions
each time, a page of it would become slower with every case ever settled.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ledger.sql.ledger_tables import decisions, review_queue, reviews
from schemas.events.decisions import Outcome

MOST: Final = 500
"""Cases of one page."""
LOCK: Final = 7_230_916
"""Of PostgreSQL's advisory locks: one writer of the queue at a time."""
SETTLED: Final = (Outcome.APPROVE.value, Outcome.DECLINE.value)


class RecordedPosition(Protocol):
    """How far a partition is recorded."""

    @property
    def next_offset(self) -> int:
        """The first offset not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    application_id: str
    decision_id: str
    applied_at: datetime
    decided_at: datetime
    probability: float | None
    """None where the application could not be scored."""
    fault: str | None
    scorecard_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """Which cases; a field that is None asks for nothing."""

    decided_before: datetime | None = None
    """Older than this."""
    least_probability: float | None = None
    most_probability: float | None = None
    fault: bool | None = None
    """True for those that could not be scored, False for those that could."""
    scorecard_version: str | None = None
    application_id: str | None = None
    """Begins so."""


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Cases, oldest first, and where the next page begins."""

    cases: Sequence[Case]
    total: int
    """Cases that the filter lets through, on all pages."""
    following: tuple[datetime, str] | None
    """`after` of the next page; None on the last one."""


def queue_page(
    connection: sa.Connection,
    wanted: CaseFilter | None = None,
    after: tuple[datetime, str] | None = None,
    most: int = 50,
) -> QueuePage:
    """A page of the queue.

    Args:
        wanted: all cases where None.
        after: decided_at and application id of the last case of the page before.
        most: cases of the page, up to `MOST`.
    """
    conditions = _conditions(wanted or CaseFilter())
    key = sa.tuple_(review_queue.c.decided_at, review_queue.c.application_id)
    query = sa.select(review_queue).where(*conditions).order_by(*key.clauses).limit(min(most, MOST) + 1)
    if after is not None:
        query = query.where(
            key > sa.tuple_(*(sa.literal(part, column.type) for part, column in zip(after, key.clauses, strict=True)))
        )
    rows = connection.execute(query).mappings().all()
    cases = [Case(**{name: row[name] for name in Case.__slots__}) for row in rows[: min(most, MOST)]]
    total = size(connection, wanted)
    more = len(rows) > len(cases)
    return QueuePage(cases, total, (cases[-1].decided_at, cases[-1].application_id) if more else None)


def size(connection: sa.Connection, wanted: CaseFilter | None = None) -> int:
    """Cases that the filter lets through."""
    query = sa.select(sa.func.count()).select_from(review_queue).where(*_conditions(wanted or CaseFilter()))
    return int(connection.execute(query).scalar_one())


def oldest(connection: sa.Connection) -> datetime | None:
    """When the case that waits longest was decided; None for an empty queue."""
    found: datetime | None = connection.execute(sa.select(sa.func.min(review_queue.c.decided_at))).scalar_one()
    return found


def enqueue(
    connection: sa.Connection, topic: str, before: Mapping[int, RecordedPosition], after: Mapping[int, RecordedPosition]
) -> None:
    """Referred applications of a stretch just recorded, unless an earlier decision or a review has settled them."""
    decided, earlier = decisions.alias("decided"), decisions.alias("earlier")
    columns = [column.name for column in review_queue.columns]
    of_decision = {
        **{name: decided.c[name] for name in columns if name in decided.c},
        "decided_at": decided.c.recorded_at,
    }
    place = sa.tuple_(decided.c.recorded_at, decided.c.record_partition, decided.c.record_offset)
    earlier_place = sa.tuple_(earlier.c.recorded_at, earlier.c.record_partition, earlier.c.record_offset)
    same = earlier.c.application_id == decided.c.application_id
    query = sa.select(*(of_decision[name] for name in columns)).where(
        decided.c.outcome == Outcome.REFER.value,
        _within(decided, topic, before, after),
        ~sa.exists().where(same, earlier_place < place),
        ~sa.exists().where(reviews.c.application_id == decided.c.application_id, reviews.c.outcome.in_(SETTLED)),
    )
    _alone(connection)
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(review_queue).from_select(columns, query).on_conflict_do_nothing())


def settle(
    connection: sa.Connection, topic: str, before: Mapping[int, RecordedPosition], after: Mapping[int, RecordedPosition]
) -> None:
    """Take out what the reviews of a stretch just recorded have decided."""
    _alone(connection)
    settled = sa.select(reviews.c.application_id).where(
        reviews.c.outcome.in_(SETTLED), _within(reviews, topic, before, after)
    )
    connection.execute(sa.delete(review_queue).where(review_queue.c.application_id.in_(settled)))


def _alone(connection: sa.Connection) -> None:
    # A ledger that records a decision and another that records its review would each miss what the other has not
    # committed. SQLite has one writer anyway.
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))


def _within(
    table: sa.FromClause, topic: str, before: Mapping[int, RecordedPosition], after: Mapping[int, RecordedPosition]
) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.record_topic == topic,
        sa.or_(
            *(
                sa.and_(
                    table.c.record_partition == partition,
                    table.c.record_offset >= position.next_offset,
                    table.c.record_offset < after[partition].next_offset,
                )
                for partition, position in before.items()
            )
        ),
    )


def _conditions(wanted: CaseFilter) -> list[sa.ColumnElement[bool]]:
    of = review_queue.c
    asked: dict[str, Callable[[Any], sa.ColumnElement[bool]]] = {
        "decided_before": lambda time: of.decided_at < time,
        "least_probability": lambda least: of.probability >= least,
        "most_probability": lambda most: of.probability <= most,
        "fault": lambda given: of.fault.is_not(None) if given else of.fault.is_(None),
        "scorecard_version": lambda version: of.scorecard_version == version,
        "application_id": lambda begin: of.application_id.startswith(begin, autoescape=True),
    }
    given = {name: getattr(wanted, name) for name in asked}
    return [condition(given[name]) for name, condition in asked.items() if given[name] is not None]
