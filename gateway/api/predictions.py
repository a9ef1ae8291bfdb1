"""`POST /predict` and `POST /predict/batch`: applications onto the topic, their decisions back."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field, create_model
from starlette.requests import Request
from starlette.responses import Response

from gateway.access.access_guard import require_role
from gateway.access.roles import SUBMIT
from gateway.api.direct_posts import json_response
from gateway.api.idempotency import KEY, KEYED, derived_id, earlier_decisions
from gateway.api.request_bodies import body_of, digest_of, parse_body
from gateway.api.request_model import CONFIG, contradictions, record_of
from gateway.api.response_models import DecisionAnswer, decision_answer
from gateway.exchange.exchange import Submission, UndecidedError
from gateway.exchange.pending_decisions import BodyConflictError, Decision, TooManyPendingError
from gateway.exchange.publisher import headers_of
from gateway.gateway_parts import Gateway
from gateway.problems import Problem, away, invalid
from schemas.errors import OutageError
from schemas.events.decisions import Outcome
from schemas.trace_context import TRACEPARENT, W3C
from streams.runtime.key_database import ErasedError

MOST_IN_BATCH: Final = 500
NOT_READING: Final = "decisions are not read yet"


class BatchCounts(BaseModel):
    """How many of a batch had each outcome."""

    APPROVE: int
    REFER: int
    DECLINE: int


class BatchAnswer(BaseModel):
    """Decisions on a batch, in its order."""

    count: int
    counts: BatchCounts
    approval_rate: float = Field(description="Approved over all, 0 to 1.")
    decisions: list[DecisionAnswer]


def router(gateway: Gateway) -> APIRouter:
    routes = APIRouter(tags=["decisions"])
    caller = require_role(gateway.guard, SUBMIT)
    batches = batch_model(gateway.application)

    @routes.post("/predict", response_model=None, responses={200: {"model": DecisionAnswer}}, openapi_extra=dict(KEYED))
    async def predict(request: Request) -> Response:
        """Submit one application and wait for the decision that the scoring worker publishes."""
        principal = await caller(request)
        application = parse_body(gateway.application, await body_of(request, gateway.settings))
        [submission] = submissions_of(gateway, request, [application], [derived_id(principal, request, "")])
        refuse_contradictions(gateway, [submission], "")
        [decision] = await decide(gateway, [submission])
        return json_response(decision_answer(decision, gateway.contract))

    @routes.post(
        "/predict/batch", response_model=None, responses={200: {"model": BatchAnswer}}, openapi_extra=dict(KEYED)
    )
    async def predict_batch(request: Request) -> Response:
        """Submit 1 to 500 applications and wait for all their decisions."""
        principal = await caller(request)
        batch: Any = parse_body(batches, await body_of(request, gateway.settings))
        names = [derived_id(principal, request, f"/{place}") for place in range(len(batch.applications))]
        submissions = submissions_of(gateway, request, batch.applications, names)
        refuse_contradictions(gateway, submissions, "/applications/{}")
        return json_response(_batch_answer(gateway, await decide(gateway, submissions)))

    return routes


@cache
def batch_model(application: type[BaseModel]) -> type[BaseModel]:
    """The request model of a batch: one for its routes and for their document."""
    items = Annotated[list[application], Field(min_length=1, max_length=MOST_IN_BATCH)]  # type: ignore[valid-type]  # made at run time
    return create_model(f"{application.__name__}Batch", __config__=CONFIG, applications=(items, ...))


def refuse_contradictions(gateway: Gateway, submissions: Sequence[Submission], at: str) -> None:
    """Values for which the worker would refer are reported to the caller instead.

    Raises:
        Problem: 422 with the first fault of each application.
    """
    found = contradictions(gateway.contract, [each.record for each in submissions], at)
    if found:
        raise invalid(found)


def submissions_of(
    gateway: Gateway, request: Request, applications: Sequence[BaseModel], names: Sequence[str]
) -> list[Submission]:
    """Applications to be decided; each goes by its own id, or by the name given for it."""
    contract, now, keyed = gateway.contract, datetime.now(UTC), KEY in request.headers
    trace = request.headers.get(TRACEPARENT, "").encode()
    traceparent = trace if W3C.fullmatch(trace) else None
    submissions = []
    for application, name in zip(applications, names, strict=True):
        application_id = getattr(application, contract.id_field) or name
        submissions.append(
            Submission(
                application_id=application_id,
                digest=digest_of(application),
                record=record_of(contract, application, application_id, now),
                headers=headers_of(contract, application_id, traceparent),
                named=keyed or application_id != name,
            )
        )
    return submissions


async def decide(gateway: Gateway, submissions: Sequence[Submission]) -> list[Decision]:
    """The decisions, in order.

    Raises:
        Problem: 409, 410, 429, 503 or 504, see `docs/gateway.md`.
    """
    if not gateway.reader.reading:
        raise away(NOT_READING)
    try:
        return await _through(gateway, submissions)
    except BodyConflictError as fault:
        conflicting = submissions[fault.args[0]].application_id
        detail = "the id or key was used with another body"
        raise Problem(
            HTTPStatus.CONFLICT, "body-conflict", detail, extensions={"application_id": conflicting}
        ) from None
    except TooManyPendingError:
        detail = "too many applications wait for their decision"
        raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "too-many-waiting", detail, headers={"Retry-After": "1"}) from None
    except UndecidedError as fault:
        raise _timeout_problem(fault.application_ids) from None
    except ErasedError as fault:
        detail = "the application's values were erased: nothing is published under its id any more"
        raise Problem(HTTPStatus.GONE, "erased", detail, extensions=_ids([fault.application_id])) from None
    except OutageError:
        ids = [each.application_id for each in submissions]
        detail = "the broker did not accept the application; repeat it with the same id"
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "not-accepted",
            detail,
            headers={"Retry-After": "2"},
            extensions=_ids(ids),
        ) from None


async def _through(gateway: Gateway, submissions: Sequence[Submission]) -> list[Decision]:
    earlier = await earlier_decisions(gateway, submissions)
    if not earlier:
        return await gateway.exchange.decisions(submissions)
    fresh = [each for place, each in enumerate(submissions) if place not in earlier]
    later = iter(await gateway.exchange.decisions(fresh))
    return [earlier[place] if place in earlier else next(later) for place in range(len(submissions))]


def _timeout_problem(application_ids: Sequence[str]) -> Problem:
    detail = "accepted, and not decided in time: ask GET /decisions/{application_id} later"
    return Problem(HTTPStatus.GATEWAY_TIMEOUT, "undecided", detail, extensions=_ids(application_ids))


def _ids(application_ids: Sequence[str]) -> dict[str, Any]:
    if len(application_ids) == 1:
        return {"application_id": application_ids[0]}
    return {"application_ids": list(application_ids)}


def _batch_answer(gateway: Gateway, decisions: Sequence[Decision]) -> dict[str, Any]:
    counts = Counter(decision["outcome"] for decision in decisions)
    return {
        "count": len(decisions),
        "counts": {outcome: counts[outcome] for outcome in (Outcome.APPROVE, Outcome.REFER, Outcome.DECLINE)},
        "approval_rate": counts[Outcome.APPROVE] / len(decisions),
        "decisions": [decision_answer(decision, gateway.contract) for decision in decisions],
    }
