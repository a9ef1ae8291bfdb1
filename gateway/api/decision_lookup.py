"""`GET /decisions/{application_id}`: an earlier decision, or the state of one in flight."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response

from gateway.access.access_guard import require_role
from gateway.access.roles import LOOK_UP, Principal
from gateway.api.direct_posts import json_response
from gateway.api.response_models import DecisionAnswer, decision_answer
from gateway.gateway_parts import Gateway
from gateway.problems import Problem


def router(gateway: Gateway) -> APIRouter:
    routes = APIRouter(tags=["decisions"])
    caller = Depends(require_role(gateway.guard, LOOK_UP))

    responses: dict[int | str, dict[str, Any]] = {
        200: {"model": DecisionAnswer},
        202: {"description": "Accepted, and not decided yet."},
    }

    @routes.get("/decisions/{application_id:path}", response_model=None, responses=responses)
    async def decision(application_id: str, _: Annotated[Principal, caller]) -> Response:
        """The first decision on an application; 202 while it is in flight."""
        entry = gateway.exchange.pending.get(application_id)
        if entry is not None and entry.decision.done():
            return json_response(decision_answer(entry.decision.result(), gateway.contract))
        found = await gateway.ledger.decision(application_id) if gateway.ledger else None
        if found is not None:
            return json_response(decision_answer(found, gateway.contract))
        if entry is not None:
            status = {"application_id": application_id, "status": "in flight"}
            return JSONResponse(status, HTTPStatus.ACCEPTED, headers={"Retry-After": "1"})
        raise Problem(HTTPStatus.NOT_FOUND, "unknown-application", "no decision is known under this id")

    return routes
