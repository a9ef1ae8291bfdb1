"""`/health`, `/ready`, `/metrics`, `/model-info`, `/drift`: state of a gateway and its champion."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import REGISTRY, CollectorRegistry
from starlette.requests import Request

from gateway.access.access_guard import require_role
from gateway.access.roles import OBSERVE, Principal
from gateway.gateway_parts import NO_CHAMPION, Gateway
from gateway.problems import Problem, away
from schemas.contract.contract import Kind
from scorecard.decisions.scoring import RegisteredScorecard
from streams.runtime.health_server import metrics_page, ready_gauge


def router(gateway: Gateway, registry: CollectorRegistry = REGISTRY) -> APIRouter:
    registry.register(ready_gauge(lambda: not gateway.missing_parts()))
    routes = APIRouter(tags=["operations"])
    caller = Depends(require_role(gateway.guard, OBSERVE))

    @routes.get("/health", response_model=None)
    async def health() -> JSONResponse:
        """200 while the process answers; a gateway that waits for its champion must not be restarted for it."""
        return JSONResponse({"live": True, "ready": not gateway.missing_parts(), **_facts(gateway)})

    @routes.get("/ready", response_model=None, responses={503: {"description": "The same, without one of them."}})
    async def ready() -> JSONResponse:
        """200 with a champion, a broker and a reader of decisions; 503 without."""
        missing = gateway.missing_parts()
        status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
        return JSONResponse({"live": True, "ready": not missing, **_facts(gateway)}, status)

    @routes.get("/metrics", response_class=PlainTextResponse)
    async def metrics(request: Request) -> Response:
        """For Prometheus."""
        content_type, page = metrics_page(registry, request.headers.get("accept", ""))
        return Response(page, headers={"content-type": content_type})

    @routes.get("/model-info", response_model=None)
    async def model_info(_: Annotated[Principal, caller]) -> JSONResponse:
        """The champion that answers what-if questions here, and its signature."""
        holder = gateway.champion.holder
        if holder is None:
            raise away(NO_CHAMPION)
        return JSONResponse(_model_info(gateway, holder))

    @routes.get("/drift", response_model=None)
    async def drift(_: Annotated[Principal, caller]) -> JSONResponse:
        """The last drift report; asking triggers nothing."""
        report = gateway.live.events.last_report
        if report is None:
            raise Problem(HTTPStatus.NOT_FOUND, "no-report", "no drift report was published yet")
        return JSONResponse(jsonable(report))

    return routes


def jsonable(value: Any) -> Any:
    """Decoded Avro as JSON data: times in ISO 8601, numbers that are not finite as null."""
    from fastapi.encoders import jsonable_encoder

    return jsonable_encoder(value, custom_encoder={float: _finite})


def _finite(number: float) -> float | None:
    return number if abs(number) < float("inf") else None


def _facts(gateway: Gateway) -> Mapping[str, Any]:
    return {
        "stage": gateway.lifecycle.stage,
        "missing": gateway.missing_parts(),
        "away": dict(gateway.lifecycle.away),
        "champion": dict(gateway.champion.facts()),
    }


def _model_info(gateway: Gateway, holder: RegisteredScorecard) -> dict[str, Any]:
    scorecard, policy = holder.scorecard, gateway.policy(holder)
    return {
        "name": scorecard.name,
        "version": holder.version,
        "digest": scorecard.digest,
        "family": scorecard.family,
        "alias": gateway.champion.alias,
        "schema_id": gateway.schema_id(),
        "product": gateway.contract.product,
        "contribution_space": scorecard.space,
        "base_value": scorecard.base_value,
        "trees": len(scorecard.forest.roots),
        "policy": {
            "version": policy.version,
            "approve_below": policy.approve_below,
            "decline_from": policy.decline_from,
        },
        "reference_id": scorecard.profile.reference_id,
        "signature": {
            "inputs": [
                {
                    "name": field.name,
                    "label": field.label,
                    "type": "string" if field.kind is Kind.CATEGORY else "number",
                    "required": not field.nullable,
                    "levels": list(field.levels),
                    "unit": field.unit,
                }
                for field in scorecard.features.fields
            ],
            "outputs": [{"name": "probability_of_default", "type": "number"}, {"name": "outcome", "type": "string"}],
        },
    }
