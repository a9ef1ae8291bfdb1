"""The ASGI application of one gateway."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from prometheus_client import REGISTRY, CollectorRegistry
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from gateway.access.rate_limit import RateLimiter
from gateway.api import alert_webhook, decision_lookup, operations, predictions, what_if
from gateway.api.alert_webhook import AlertNotification
from gateway.api.direct_posts import ANSWERED_FAULTS, DirectPosts, Refuse, post_routes
from gateway.api.middleware import DEMO_HEADERS, Surroundings
from gateway.demo.address_limit import AddressLimit
from gateway.desk.desk import Desk
from gateway.desk.desk_routes import furnish
from gateway.gateway_parts import Gateway
from gateway.problems import PROBLEM_JSON, FieldError, Problem, ProblemDocument, away, invalid
from schemas.errors import OutageError, SetupError

DESCRIPTION: Final = """\
Loan decisions over HTTP. `POST /predict` publishes the application on its Kafka topic and answers with the decision
that the scoring worker publishes: the same that a Kafka user gets. Positive contributions raise the risk. `approved`
and `loan_status` stand beside `outcome` and `probability_of_default` for users of earlier APIs: `loan_status` is 1
where the outcome is DECLINE, 0 where it is APPROVE, and null where a person decides. Errors are problem documents
(RFC 9457)."""

Layer = Callable[[ASGIApp], ASGIApp]

REFUSALS: Final = {"4XX": "The request is refused; `type` names why.", "5XX": "Not now; `type` names why."}


log = structlog.get_logger(__name__)


def create_app(gateway: Gateway, registry: CollectorRegistry = REGISTRY) -> FastAPI:
    """The application; nothing is started by it."""
    app = GatewayApp(
        title="Loan decisions",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        # The framework would look for providers at every request; there are none.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    direct = [predictions.router(gateway), what_if.router(gateway)]
    for routes in direct:
        app.include_router(routes)
    app.include_router(decision_lookup.router(gateway))
    app.include_router(operations.router(gateway, registry))
    app.include_router(alert_webhook.router(gateway))
    desk = furnish(app, gateway)
    _document(app, gateway)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return desk.docs_page(app.openapi())

    refuse = _refusal(gateway, desk)
    _handle_faults(app, refuse)
    app.layers = _layers(gateway, refuse, post_routes([route for each in direct for route in each.routes]))
    return app


class GatewayApp(FastAPI):
    """FastAPI behind layers of the gateway's own, which cost less than its middleware does."""

    layers: Sequence[Layer] = ()
    """The innermost first."""

    def build_middleware_stack(self) -> ASGIApp:
        """Starlette's own hook: called once, at the first request."""
        return reduce(lambda inner, layer: layer(inner), self.layers, super().build_middleware_stack())


def _layers(gateway: Gateway, refuse: Refuse, posts: Mapping[str, APIRoute]) -> Sequence[Layer]:
    settings = gateway.settings
    direct = partial(DirectPosts, routes=posts, refuse=refuse)
    surroundings = partial(Surroundings, metrics=gateway.metrics)
    if not settings.gateway_demo:
        return direct, *_spans(gateway), surroundings
    limiter = RateLimiter(settings.gateway_demo_rate_per_s)
    limit = partial(AddressLimit, limiter=limiter, proxies=settings.gateway_proxies, refuse=refuse)
    return direct, limit, partial(surroundings, extra=DEMO_HEADERS)


def _spans(gateway: Gateway) -> Sequence[Layer]:
    if gateway.tracer is None:
        return ()
    from gateway.api.request_spans import RequestSpans

    return (partial(RequestSpans, tracer=gateway.tracer),)


def _refusal(gateway: Gateway, desk: Desk) -> Refuse:
    def refuse(scope: Scope, fault: Exception) -> Response:
        problem = _problem_of(fault)
        gateway.metrics.refusals.labels(problem.kind).inc()
        return desk.problem_page(problem) if scope["path"].startswith("/desk") else problem.response()

    return refuse


def _handle_faults(app: FastAPI, refuse: Refuse) -> None:
    async def problem(request: Request, fault: Exception) -> Response:
        return refuse(request.scope, fault)

    for kind in (*ANSWERED_FAULTS, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, problem)


def _problem_of(fault: Exception) -> Problem:
    if isinstance(fault, Problem):
        return fault
    if isinstance(fault, OutageError):
        return away("a dependency does not answer")
    if isinstance(fault, SetupError):
        log.error("request.refused", error=type(fault).__name__)
        return away("the gateway is not set up for this; its log says how")
    if isinstance(fault, HTTPException):
        phrase = HTTPStatus(fault.status_code).phrase
        return Problem(fault.status_code, phrase.lower().replace(" ", "-"), phrase, headers=dict(fault.headers or {}))
    if isinstance(fault, RequestValidationError):
        errors = [
            FieldError("/" + "/".join(map(str, each["loc"][1:])), each["type"], each["msg"]) for each in fault.errors()
        ]
        return invalid(errors)
    raise fault


def _document(app: FastAPI, gateway: Gateway) -> None:
    """Adds the request models, which FastAPI does not parse and so does not know, to the OpenAPI document."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            batch = predictions.batch_model(gateway.application)
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            _add_model(schemas, batch)
            for path in ("/predict", "/explain", "/what-if", "/counterfactuals"):
                _take_body(document, path, gateway.application.__name__)
            _take_body(document, "/predict/batch", batch.__name__)
            _add_model(schemas, AlertNotification)
            _take_body(document, "/alerts", AlertNotification.__name__)
            _take_problems(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend the document


def _add_model(schemas: dict[str, Any], model: type[BaseModel], name: str = "") -> None:
    """A model and those that it refers to, under its own name unless another is given."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schema.pop("$defs", {})
    schemas[name or model.__name__] = schema


def _take_body(document: dict[str, Any], path: str, name: str) -> None:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    document["paths"][path]["post"]["requestBody"] = {"required": True, "content": content}


def _take_problems(document: dict[str, Any]) -> None:
    """Every refusal is a problem document, FastAPI's own of a malformed parameter among them."""
    schemas = document["components"]["schemas"]
    _add_model(schemas, ProblemDocument, "Problem")
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for methods in document["paths"].values():
        for operation in methods.values():
            operation["responses"].pop("422", None)
            operation["responses"] |= {
                status: {"description": text, "content": content} for status, text in REFUSALS.items()
            }
