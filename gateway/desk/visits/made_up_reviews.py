"""Reviews in a demo: each visit sees its own, as if they had been published; no other visit does, and no topic."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from gateway.desk.cases import CaseFile
from gateway.desk.visits.session import DeskSession, Sessions
from gateway.desk.visits.visit_memory import VisitMemory
from ledger.query.history import Moment
from ledger.query.queries import RecordedEvent
from ledger.query.review_queue import QueuePage
from schemas.events.decisions import Outcome
from schemas.events.reviews import LoanReview

MOST_OF_A_VISIT: Final = 50


class MadeUpReviews:
    """Belongs to the event loop."""

    def __init__(self, sessions: Sessions) -> None:
        """Nobody has reviewed anything."""
        self._kept: VisitMemory[LoanReview] = VisitMemory(sessions.live, MOST_OF_A_VISIT)

    def add(self, session: DeskSession, review: LoanReview) -> None:
        self._kept.add(session, review)

    def queue(self, session: DeskSession, page: QueuePage) -> QueuePage:
        """Without what the visit has settled."""
        settled = {each.application_id for each in self._kept.of(session) if each.outcome is not Outcome.REFER}
        cases = [case for case in page.cases if case.application_id not in settled]
        return replace(page, cases=cases, total=max(page.total - len(settled), len(cases)))

    def file(self, session: DeskSession, file: CaseFile) -> CaseFile:
        """With the visit's own reviews, the latest last."""
        own = self._events(session, file.decision.application_id)
        return replace(file, reviews=[*file.reviews, *own])

    def moments(self, session: DeskSession, application_id: str, moments: Sequence[Moment]) -> Sequence[Moment]:
        """With the visit's own reviews."""
        own = self._events(session, application_id)
        reviews = [Moment(each.event.reviewed_at, "reviewed", each) for each in own]
        return sorted([*moments, *reviews], key=lambda moment: moment.at)

    def _events(self, session: DeskSession, application_id: str) -> list[RecordedEvent[LoanReview]]:
        own = [each for each in reversed(self._kept.of(session)) if each.application_id == application_id]
        return [
            RecordedEvent(event=each, topic="", partition=0, offset=0, recorded_at=each.reviewed_at, chain="")
            for each in own
        ]
