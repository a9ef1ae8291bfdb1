"""The page Apply: one application, its verdict and reasons, what-if questions, and changes that would approve it."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response

from gateway.access.roles import ASK, SUBMIT
from gateway.api.predictions import decide, refuse_contradictions, submissions_of
from gateway.api.request_bodies import parse_body
from gateway.api.response_models import decision_answer
from gateway.api.what_if import champion_of, counterfactuals_answer, record_of_values, what_if_answer
from gateway.desk.charts import band, waterfall
from gateway.desk.desk import Desk, Route
from gateway.desk.forms import body_of_form, inputs_of
from gateway.desk.visits.session import DeskSession
from gateway.desk.visits.visit_memory import VisitMemory
from gateway.problems import Problem
from schemas.contract.contract import Kind

MOST_OF_A_VISIT: Final = 20


@dataclass(frozen=True, slots=True)
class PastSubmissions:
    """One application of a visit; nothing of what was applied with."""

    application_id: str
    outcome: str
    probability: float | None
    at: datetime


class ApplyRoom:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._gateway = desk.gateway
        self._history: VisitMemory[PastSubmissions] = VisitMemory(desk.sessions.live, MOST_OF_A_VISIT)
        self._inputs = inputs_of(desk.gateway.contract)

    def routes(self) -> list[Route]:
        return [
            ("GET", "/desk/apply", self.form),
            ("POST", "/desk/apply", self.apply),
            ("POST", "/desk/what-if", self.what_if),
            ("POST", "/desk/counterfactuals", self.counterfactuals),
        ]

    async def form(self, request: Request) -> Response:
        """The empty form, and this visit's earlier questions."""
        return self._page(request, self._desk.visit(request, SUBMIT))

    async def apply(self, request: Request) -> Response:
        """The decision on what was typed; a part of the page for a script, else the whole."""
        session = self._desk.visit(request, SUBMIT)
        typed = await self._desk.form(request, session)
        try:
            answer = await _decision(self._desk, request, typed)
        except Problem as problem:
            errors = {each.pointer.strip("/"): each.detail for each in problem.errors}
            return self._page(request, session, problem.status, typed=typed, errors=errors, problem=problem)
        probability = answer["probability_of_default"]
        self._history.add(
            session, PastSubmissions(answer["application_id"], answer["outcome"], probability, datetime.now(UTC))
        )
        return self._page(request, session, typed=typed, answer=answer, sliders=sliders_of(self._desk, answer))

    async def what_if(self, request: Request) -> Response:
        """The champion's answer to the sliders' values."""
        session = self._desk.visit(request, ASK)
        typed = await self._desk.form(request, session)
        try:
            answer = what_if_answer(self._gateway, champion_of(self._gateway), _record(self._desk, typed))
        except Problem as problem:
            return self._desk.page(request, session, "what_if.html", answer=None, problem=problem, band=None)
        return self._desk.page(request, session, "what_if.html", answer=answer, problem=None, band=band(answer))

    async def counterfactuals(self, request: Request) -> Response:
        session = self._desk.visit(request, ASK)
        typed = await self._desk.form(request, session)
        try:
            holder, record = champion_of(self._gateway), _record(self._desk, typed)
            now = what_if_answer(self._gateway, holder, record)
            found = await asyncio.to_thread(counterfactuals_answer, self._gateway, holder, record, now)
        except Problem as problem:
            return self._desk.page(request, session, "counterfactuals.html", found=None, problem=problem)
        return self._desk.page(request, session, "counterfactuals.html", found=found, problem=None)

    def _page(self, request: Request, session: DeskSession, status: int = HTTPStatus.OK, **context: Any) -> Response:
        template = "answer.html" if "hx-request" in request.headers else "apply.html"
        answer = context.get("answer")
        usual: dict[str, Any] = {
            "inputs": self._inputs,
            "typed": {},
            "errors": {},
            "problem": None,
            "answer": None,
            "sliders": [],
            "history": self._history.of(session),
            "band": band(answer) if answer else None,
            "waterfall": waterfall(answer) if answer else None,
        }
        return self._desk.page(request, session, template, status, **{**usual, **context})


def sliders_of(desk: Desk, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Numbers that an applicant can change, as sliders from where they are: both ways, within the contract's range."""
    contract = desk.gateway.contract
    values = {each["feature"]: each["value"] for each in answer["contributions"]}
    sliders = []
    for field in contract.observed:
        change, value = field.actionable, values.get(field.name)
        if change is None or field.kind is not Kind.NUMBER or not isinstance(value, int | float):
            continue
        reach = change.step * change.steps
        sliders.append(
            {
                "name": field.name,
                "label": field.label,
                "unit": field.unit,
                "value": f"{value:.12g}",
                "step": f"{change.step:.12g}",
                "low": f"{value - min(reach, (value - field.low) // change.step * change.step):.12g}",
                "high": f"{value + min(reach, (field.high - value) // change.step * change.step):.12g}",
            }
        )
    return sliders


async def _decision(desk: Desk, request: Request, typed: Mapping[str, str]) -> dict[str, Any]:
    gateway = desk.gateway
    application = parse_body(gateway.application, body_of_form(gateway.contract, typed))
    [submission] = submissions_of(gateway, request, [application], [str(uuid.uuid4())])
    refuse_contradictions(gateway, [submission], "")
    [decision] = await decide(gateway, [submission])
    return decision_answer(decision, gateway.contract)


def _record(desk: Desk, typed: Mapping[str, str]) -> dict[str, Any]:
    gateway = desk.gateway
    return record_of_values(gateway, parse_body(gateway.application, body_of_form(gateway.contract, typed)))
