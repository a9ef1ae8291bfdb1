"""Records of the ledger's topics for tests, and the database they go to."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import fastavro

from ledger.ingest.recorded_topics import row_makers
from ledger.ingest.store import Store, WriteResult
from ledger.sql.database import Database
from schemas.codec.event_codec import as_record, avro_schema
from schemas.codec.wire_format import frame
from schemas.events.decisions import LoanOutcome, Outcome
from schemas.events.reviews import LoanReview
from schemas.records import RecordBatch
from schemas.topics import topics_of
from tests.builders import CONTRACT, a_batch
from tests.decisions import APPLIED_AT

TOPICS = topics_of(CONTRACT)
MAKERS = row_makers(TOPICS)
SCHEMA_ID = 9


def a_review(application_id: str, outcome: Outcome = Outcome.APPROVE, **overrides: Any) -> LoanReview:
    """By one officer, an hour after the application."""
    usual: dict[str, Any] = {
        "review_id": f"r-{application_id}",
        "application_id": application_id,
        "decision_id": f"d-{application_id}",
        "outcome": outcome,
        "reason_codes": (),
        "note": "",
        "reviewer": "officer",
        "second_reviewer": None,
        "scorecard_version": "1",
        "scorecard_digest": "c" * 64,
        "reviewed_at": APPLIED_AT + timedelta(hours=1),
    }
    return LoanReview(**{**usual, **overrides})


def an_outcome(
    application_id: str, *, defaulted: bool = False, observed_at: datetime = datetime(2026, 9, 1, tzinfo=UTC)
) -> LoanOutcome:
    """Half a year later."""
    return LoanOutcome(application_id=application_id, defaulted=defaulted, observed_at=observed_at)


def records(
    topic: str, events: Sequence[Any], first_offset: int = 0, partition: int = 0, **columns: Any
) -> RecordBatch:
    """Events as they lie on one partition of their topic."""
    schema = fastavro.parse_schema(dict(avro_schema(type(events[0])))) if events else {}
    values = [frame(SCHEMA_ID, schema, as_record(event)) for event in events]
    return a_batch(*values, first_offset=first_offset, topic=topic, partitions=[partition] * len(values), **columns)


def record(database: Database, batch: RecordBatch, writers: Any = None) -> WriteResult:
    """The batch, recorded as the ledger does; all of it written by our own schema where nothing else is said."""
    maker = MAKERS[batch.topic]
    event = {maker.table.name: event for event, maker in _events()}.get(maker.table.name)
    ours = {SCHEMA_ID: fastavro.parse_schema(dict(avro_schema(event)))} if event else {}
    following = {partition: offset + 1 for partition, offset in zip(batch.partitions, batch.offsets, strict=True)}
    return Store(database).write(maker.table, batch.topic, maker.items(batch, writers or ours), following)


def decide(database: Database, *decisions: Any, first_offset: int = 0, **columns: Any) -> WriteResult:
    return record(database, records(TOPICS.decisions.name, decisions, first_offset, **columns))


def review(database: Database, *reviews: Any, first_offset: int = 0, **columns: Any) -> WriteResult:
    return record(database, records(TOPICS.reviews.name, reviews, first_offset, **columns))


def conclude(database: Database, *outcomes: Any, first_offset: int = 0, **columns: Any) -> WriteResult:
    return record(database, records(TOPICS.outcomes.name, outcomes, first_offset, **columns))


def _events() -> Any:
    return [(topic.event, MAKERS[topic.name]) for topic in TOPICS.all() if topic.name in MAKERS]
