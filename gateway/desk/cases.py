"""Referred applications as an officer sees them, from the ledger. Each call blocks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from gateway.exchange.ledger_lookup import LedgerLookup
from ledger.query import history, population_rank, queries, review_queue
from ledger.query.population_rank import PopulationRank
from ledger.query.queries import RecordedEvent
from ledger.query.review_queue import CaseFilter, QueuePage
from schemas.codec.event_codec import as_record
from schemas.events.decisions import LoanDecision, Outcome
from schemas.events.reviews import LoanReview

PAGE: Final = 50
PROPOSALS: Final = {"PROPOSE_APPROVE": Outcome.APPROVE, "PROPOSE_DECLINE": Outcome.DECLINE}
"""Codes of a first officer's review, whose outcome is REFER: its proposal to the second officer."""


@dataclass(frozen=True, slots=True)
class CaseFile:
    decision: LoanDecision
    decided_at: datetime
    standings: Sequence[PopulationRank]
    earlier: Sequence[RecordedEvent[LoanDecision]]
    reviews: Sequence[RecordedEvent[LoanReview]]

    @property
    def final_review(self) -> LoanReview | None:
        """The review that counts."""
        final = [each.event for each in self.reviews if each.event.outcome in (Outcome.APPROVE, Outcome.DECLINE)]
        return final[-1] if final else None

    @property
    def proposal(self) -> LoanReview | None:
        """A first officer's proposal that waits for a second one."""
        last = self.reviews[-1].event if self.reviews and self.final_review is None else None
        return last if last is not None and proposed_outcome(last) is not None else None

    def record(self) -> dict[str, Any]:
        return as_record(self.decision)


def proposed_outcome(review: LoanReview) -> Outcome | None:
    """A first officer's proposal."""
    return next((PROPOSALS[code] for code in review.reason_codes if code in PROPOSALS), None)


def queue(ledger: LedgerLookup, wanted: CaseFilter, after: tuple[datetime, str] | None) -> QueuePage:
    """A page of those who wait, the oldest first. Raises OutageError, SetupError."""
    with ledger.database.read_transaction() as connection:
        return review_queue.queue_page(connection, wanted, after, PAGE)


def case_file(ledger: LedgerLookup, application_id: str) -> CaseFile | None:
    """One case; None where the ledger has no decision of the id. Raises OutageError, SetupError."""
    with ledger.database.read_transaction() as connection:
        decisions = queries.decisions_of(connection, application_id)
        if not decisions:
            return None
        first = decisions[0]
        return CaseFile(
            decision=first.event,
            decided_at=first.recorded_at,
            standings=population_rank.standings(connection, first.event),
            earlier=decisions[1:],
            reviews=queries.reviews_of(connection, application_id),
        )


def moments(ledger: LedgerLookup, application_id: str) -> Sequence[history.Moment] | None:
    """The timeline of an application; None if it is not in the ledger. Raises OutageError, SetupError."""
    with ledger.database.read_transaction() as connection:
        found = history.application_history(connection, application_id)
    return None if found is None else history.time_line(found)


def case_filter(asked: dict[str, str], now: datetime) -> CaseFilter:
    """The filter that the page's fields ask for; what is no number asks for nothing."""
    wanted = CaseFilter(application_id=asked.get("id", "").strip() or None)
    hours, least, most = (_number(asked.get(name, "")) for name in ("hours", "least", "most"))
    if hours is not None:
        wanted = replace(wanted, decided_before=now - timedelta(hours=min(hours, 10_000.0)))
    if least is not None:
        wanted = replace(wanted, least_probability=least / 100.0)
    if most is not None:
        wanted = replace(wanted, most_probability=most / 100.0)
    if asked.get("fault") in ("yes", "no"):
        wanted = replace(wanted, fault=asked["fault"] == "yes")
    return wanted


def place_of(text: str) -> tuple[datetime, str] | None:
    """Start of a page, from its address; None for the first page."""
    time, _, application_id = text.partition("~")
    try:
        parsed = datetime.fromisoformat(time)
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)), application_id


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0.0 <= number < float("inf") else None
