"""The pages Review and Audit: the queue, one case, and the review of a person as an event."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response

from gateway.access.roles import CallerRole
from gateway.api.response_models import decision_answer
from gateway.desk import cases
from gateway.desk.cases import CaseFile
from gateway.desk.charts import band, waterfall
from gateway.desk.desk import Desk, Route
from gateway.desk.visits.made_up_reviews import MadeUpReviews
from gateway.desk.visits.session import DeskSession
from gateway.problems import Problem
from schemas.errors import LoanError, OutageError
from schemas.events.decisions import Outcome
from schemas.events.reviews import LoanReview

OFFICERS: Final = frozenset({CallerRole.OFFICER})
READERS: Final = frozenset({CallerRole.OFFICER, CallerRole.AUDITOR})
LONGEST_NOTE: Final = 2_000

UNKNOWN: Final = (
    "the broker does not answer, and may have your word or not: look whether the case still waits in a minute, "
    "and decide again if it does"
)


class ReviewRoom:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._gateway = desk.gateway
        self._made_up = MadeUpReviews(desk.sessions) if desk.gateway.settings.gateway_demo else None
        fields = [field for field in desk.gateway.contract.observed if field.reason]
        self._reasons = {reason.code: reason.text for field in fields for reason in field.texts}

    def routes(self) -> list[Route]:
        return [
            ("GET", "/desk/review", self.queue),
            ("GET", "/desk/review/{application_id:path}", self.case),
            ("POST", "/desk/review/{application_id:path}", self.decide),
            ("GET", "/desk/audit", self.audit),
        ]

    async def queue(self, request: Request) -> Response:
        """Those who wait, the oldest first."""
        session = self._desk.visit(request, OFFICERS)
        asked, now = dict(request.query_params), datetime.now(UTC)
        wanted, after = cases.case_filter(asked, now), cases.place_of(asked.get("after", ""))
        page = await asyncio.to_thread(cases.queue, self._desk.ledger(), wanted, after)
        page = self._made_up.queue(session, page) if self._made_up else page
        following = f"{page.following[0].isoformat()}~{page.following[1]}" if page.following else ""
        return self._desk.page(request, session, "review.html", page=page, asked=asked, now=now, following=following)

    async def case(self, request: Request, application_id: str) -> Response:
        session = self._desk.visit(request, OFFICERS)
        return self._case_page(request, session, await self._file(session, application_id))

    async def decide(self, request: Request, application_id: str) -> Response:
        """Publish the officer's word; back to the queue."""
        session = self._desk.visit(request, OFFICERS)
        typed = await self._desk.form(request, session)
        codes = [value for name, value in request.state.pairs if name == "reason"]
        file = await self._file(session, application_id)
        error = self._refusal(file, session, typed.get("outcome", ""), codes, typed.get("note", ""))
        if error:
            return self._case_page(request, session, file, HTTPStatus.UNPROCESSABLE_ENTITY, error=error)
        review = self._review(file, session, Outcome(typed["outcome"]), codes, typed.get("note", "").strip())
        try:
            await self._keep(session, review, file.decision.outcome)
        except LoanError as fault:
            error = _failure(fault)
            return self._case_page(request, session, file, HTTPStatus.SERVICE_UNAVAILABLE, error=error)
        return self._desk.to(request, "/desk/review", session)

    async def audit(self, request: Request) -> Response:
        """All that is known of one id, on a time line."""
        session = self._desk.visit(request, READERS)
        wanted = request.query_params.get("id", "").strip()
        found = await asyncio.to_thread(cases.moments, self._desk.ledger(), wanted) if wanted else None
        if self._made_up and found is not None:
            found = self._made_up.moments(session, wanted, found)
        status = HTTPStatus.NOT_FOUND if wanted and found is None else HTTPStatus.OK
        return self._desk.page(request, session, "audit.html", status, wanted=wanted, moments=found)

    async def _keep(self, session: DeskSession, review: LoanReview, before: Outcome) -> None:
        """Publish it; of a demo, remember it for the visit."""
        if self._made_up:
            self._made_up.add(session, review)
        else:
            await self._gateway.publish_review(review, session.principal.name, before)

    def _case_page(
        self, request: Request, session: DeskSession, file: CaseFile, status: int = HTTPStatus.OK, error: str = ""
    ) -> Response:
        answer = decision_answer(file.record(), self._gateway.contract)
        labels = {field.name: field.label for field in self._gateway.contract.observed}
        context: dict[str, Any] = {"file": file, "answer": answer, "labels": labels, "error": error}
        context |= {"reasons": self._reasons, "band": band(answer), "waterfall": waterfall(answer)}
        context["proposed"] = cases.proposed_outcome(file.proposal) if file.proposal else None
        context["second_pair"] = self._gateway.settings.review_second_pair
        return self._desk.page(request, session, "case.html", status, **context)

    def _refusal(self, file: CaseFile, session: DeskSession, outcome: str, codes: Sequence[str], note: str) -> str:
        """Why the form cannot be taken; empty for nothing."""
        if file.final_review is not None:
            return "another officer has decided this case meanwhile"
        if outcome not in (Outcome.APPROVE, Outcome.DECLINE):
            return "choose to approve or to decline"
        if set(codes) - self._reasons.keys():
            return "a reason is none of the contract's"
        if outcome == Outcome.DECLINE and not codes:
            return "a decline needs at least one reason"
        if len(note) > LONGEST_NOTE:
            return f"the note has more than {LONGEST_NOTE} characters"
        if file.proposal is not None and file.proposal.reviewer == session.principal.name:
            return "a second officer must confirm what you proposed"
        return ""

    def _review(
        self, file: CaseFile, session: DeskSession, outcome: Outcome, codes: Sequence[str], note: str
    ) -> LoanReview:
        first, name = file.proposal, session.principal.name
        alone = not self._gateway.settings.review_second_pair
        agrees = first is not None and cases.proposed_outcome(first) is outcome
        final = alone or agrees
        return LoanReview(
            review_id=str(uuid.uuid4()),
            application_id=file.decision.application_id,
            decision_id=file.decision.decision_id,
            outcome=outcome if final else Outcome.REFER,
            reason_codes=tuple(codes) if final else (f"PROPOSE_{outcome}", *codes),
            note=note,
            reviewer=first.reviewer if first is not None and agrees else name,
            second_reviewer=name if agrees else None,
            scorecard_version=file.decision.scorecard_version,
            scorecard_digest=file.decision.scorecard_digest,
            reviewed_at=datetime.now(UTC),
        )

    async def _file(self, session: DeskSession, application_id: str) -> CaseFile:
        file = await asyncio.to_thread(cases.case_file, self._desk.ledger(), application_id)
        if file is None:
            raise Problem(HTTPStatus.NOT_FOUND, "unknown-application", "the ledger has no decision under this id")
        return self._made_up.file(session, file) if self._made_up else file


def _failure(fault: LoanError) -> str:
    """What an officer may believe of a word that could not be published: a broker that is away may have it."""
    if isinstance(fault, OutageError):
        return UNKNOWN
    return f"nothing was recorded, try again: {str(fault) or type(fault).__name__}"
