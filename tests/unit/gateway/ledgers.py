"""A ledger with cases that wait, made of decisions that the worker's core takes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.exchange.ledger_lookup import LedgerLookup
from schemas.codec.event_codec import from_record
from schemas.events.audit import AuditEvent
from schemas.events.decisions import LoanDecision
from schemas.events.drift import DriftReport
from schemas.events.performance import PerformanceReport
from schemas.events.reviews import LoanReview
from scorecard.decisions.hypothetical import Hypotheticals
from scorecard.policy import Policy
from tests.builders import CONTRACT, a_champion, an_application
from tests.ledger_databases import sqlite_ledger
from tests.ledger_records import TOPICS, decide, record, records, review

REFERRING = Policy(approve_below=0.05, decline_from=0.9)
"""Under it everybody is referred."""


class CaseLedger:
    """A SQLite ledger that also takes reviews as they are published."""

    def __init__(self, folder: Path) -> None:
        self.database = sqlite_ledger(folder)
        self.url = str(self.database.engine.url)
        self.lookup = LedgerLookup(self.url)
        self.reviews: list[LoanReview] = []
        self.acts: list[AuditEvent] = []

    def refer(self, *names: str, first_offset: int = 0, **fields: Any) -> None:
        """Cases of these ids, all decided by the core."""
        self.decide(*names, refer=True, first_offset=first_offset, **fields)

    def decide(self, *names: str, refer: bool, first_offset: int = 0, **fields: Any) -> None:
        """Decisions of the core on applications of these ids: all referred, or by the champion's own cut-offs."""
        records = [an_application(application_id=name, **fields) for name in names]
        champion = a_champion()
        policy = REFERRING if refer else champion.scorecard.policy
        decided = Hypotheticals(CONTRACT).decisions(records, champion, policy)
        decide(self.database, *(from_record(LoanDecision, each) for each in decided), first_offset=first_offset)

    def report(self, windows: Sequence[DriftReport] = (), checks: Sequence[PerformanceReport] = ()) -> None:
        for topic, events in ((TOPICS.drift_reports, windows), (TOPICS.performance_reports, checks)):
            if events:
                record(self.database, records(topic.name, events))

    def publish(self, topic: Any, key: str, event: Any, event_id: str) -> None:
        """As the gateway publishes; recorded at once, as the ledger would soon."""
        if isinstance(event, AuditEvent):
            assert (topic.name, key, event_id) == ("loan.audit.v1", event.subject, event.audit_id)
            self.acts.append(event)
            return
        assert (topic.name, key, event_id) == ("loan.reviews.v1", event.application_id, event.review_id)
        self.reviews.append(event)
        review(self.database, event, first_offset=len(self.reviews) - 1)
