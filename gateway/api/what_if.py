"""`POST /explain`, `/what-if`, `/counterfactuals`: the champion's answers, not published, and marked so.

A question is not an application: nothing here reaches a topic, a log or a metric's label.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from gateway.access.access_guard import require_role
from gateway.access.roles import ASK
from gateway.api.direct_posts import json_response
from gateway.api.request_bodies import body_of, parse_body
from gateway.api.request_model import contradictions, record_of
from gateway.api.response_models import AssessmentAnswer, assessment_answer
from gateway.gateway_parts import NO_CHAMPION, Gateway
from gateway.problems import away, invalid
from schemas.applications import from_records
from schemas.contract.contract import Kind
from schemas.events.decisions import Outcome
from scorecard.counterfactuals import Counterfactual, FeatureMove
from scorecard.decisions.scoring import RegisteredScorecard

MOST_FOUND: Final = 5
NOTICE: Final = "the champion's answer to these values; no decision, and published nowhere"
NONE_FOUND: Final = "no change of the actionable fields within their bounds would approve the application"
OUT_OF_TIME: Final = "the search ended at its time; there may be better answers, or any at all"


class WhatIfAnswer(AssessmentAnswer):
    """The champion's hypothetical decision."""

    published: bool = Field(description="Always false.")
    notice: str


class ChangeAnswer(BaseModel):
    """One field, moved."""

    feature: str
    label: str
    unit: str
    before: float | str
    after: float | str
    steps: int


class CounterfactualAnswer(BaseModel):
    """Changes that are enough together."""

    changes: list[ChangeAnswer]
    outcome: str
    probability_of_default: float


class CounterfactualsAnswer(BaseModel):
    """The smallest changes that would approve, best first."""

    published: bool = Field(description="Always false.")
    outcome: str = Field(description="Of the values as they are.")
    probability_of_default: float | None
    counterfactuals: list[CounterfactualAnswer] = Field(description="Fewest fields first, then fewest steps.")
    complete: bool = Field(description="False where the time was over before every combination was scored.")
    scored: int
    detail: str


def router(gateway: Gateway) -> APIRouter:
    routes = APIRouter(tags=["what if"])
    caller = require_role(gateway.guard, ASK)

    async def answer(request: Request) -> Response:
        await caller(request)
        holder = champion_of(gateway)
        body = parse_body(gateway.application, await body_of(request, gateway.settings))
        return json_response(what_if_answer(gateway, holder, record_of_values(gateway, body)))

    @routes.post("/explain", response_model=None, responses={200: {"model": WhatIfAnswer}})
    async def explain(request: Request) -> Response:
        """The champion's answer with the exact contribution of each feature, by size. Positive raises the risk."""
        return await answer(request)

    @routes.post("/what-if", response_model=None, responses={200: {"model": WhatIfAnswer}})
    async def what_if(request: Request) -> Response:
        """The champion's answer to changed values."""
        return await answer(request)

    @routes.post("/counterfactuals", response_model=None, responses={200: {"model": CounterfactualsAnswer}})
    async def counterfactuals(request: Request) -> Response:
        """The smallest changes of actionable fields after which the champion would approve."""
        await caller(request)
        holder = champion_of(gateway)
        body: Any = parse_body(gateway.application, await body_of(request, gateway.settings))
        record = record_of_values(gateway, body)
        now = what_if_answer(gateway, holder, record)
        return json_response(await asyncio.to_thread(counterfactuals_answer, gateway, holder, record, now))

    return routes


def what_if_answer(gateway: Gateway, holder: RegisteredScorecard, record: dict[str, Any]) -> dict[str, Any]:
    """The champion's answer to a record, see `WhatIfAnswer`."""
    [decision] = gateway.hypotheticals.decisions([record], holder, gateway.policy(holder))
    return {**assessment_answer(decision, gateway.contract), "published": False, "notice": NOTICE}


def counterfactuals_answer(
    gateway: Gateway, holder: RegisteredScorecard, record: dict[str, Any], now: dict[str, Any]
) -> dict[str, Any]:
    """The best counterfactuals of a record, see `CounterfactualsAnswer`. Takes up to `gateway_search_s`.

    Args:
        now: the champion's answer to the record as it is.
    """
    deadline = time.monotonic() + gateway.settings.gateway_search_s
    row = from_records(gateway.contract, [record]).values[0]
    approved = now["outcome"] == Outcome.APPROVE
    search = gateway.search_of(holder)
    result = search.best(row, most=MOST_FOUND, in_time=lambda: not approved and time.monotonic() < deadline)
    return {
        "published": False,
        "outcome": now["outcome"],
        "probability_of_default": now["probability_of_default"],
        "counterfactuals": [_counterfactual(each) for each in result.found],
        "complete": result.complete or approved,
        "scored": result.scored,
        "detail": "the application is approved as it is" if approved else _detail(len(result.found), result.complete),
    }


def _detail(found: int, complete: bool) -> str:
    if not complete:
        return OUT_OF_TIME
    return f"{found} found" if found else NONE_FOUND


def champion_of(gateway: Gateway) -> RegisteredScorecard:
    """The champion. Raises Problem: 503 without one."""
    holder = gateway.champion.holder
    if holder is None:
        raise away(NO_CHAMPION)
    return holder


def record_of_values(gateway: Gateway, body: BaseModel) -> dict[str, Any]:
    """The record of hypothetical values. Raises Problem: 422."""
    record = record_of(gateway.contract, body, "what-if", datetime.now(UTC))
    found = contradictions(gateway.contract, [record])
    if found:
        raise invalid(found)
    return record


def _counterfactual(found: Counterfactual) -> dict[str, Any]:
    return {
        "changes": [_change(change) for change in found.changes],
        "outcome": Outcome.APPROVE,
        "probability_of_default": found.probability,
    }


def _change(change: FeatureMove) -> dict[str, Any]:
    field = change.field
    before, after = (
        field.levels[int(value)] if field.kind is Kind.CATEGORY else value for value in (change.before, change.after)
    )
    return {
        "feature": field.name,
        "label": field.label,
        "unit": field.unit,
        "before": before,
        "after": after,
        "steps": change.steps,
    }
