"""The endpoints that systems ask without pause, in front of the framework's routing.

FastAPI documents these endpoints and would answer them just the same; finding the route, resolving dependencies and
leaving its contexts takes it more processor time than all that `POST /predict` is about. An endpoint therefore reads
its request by itself, and is given it here by its path.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from fastapi.routing import APIRoute
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.problems import Problem
from schemas.errors import OutageError, SetupError

ANSWERED_FAULTS: Final = (Problem, OutageError, SetupError)
"""Faults that have an answer of their own; any other one is a defect."""

Refuse = Callable[[Scope, Exception], Response]
"""The answer to a request that ended in one of them."""


class DirectPosts:
    """ASGI middleware: POST requests to some paths are answered, all others are passed on."""

    def __init__(self, app: ASGIApp, routes: Mapping[str, APIRoute], refuse: Refuse) -> None:
        """Args beside the usual: `routes` by path."""
        self._app = app
        self._routes = routes
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        # As the framework would: by its route a request is counted.
        scope["route"] = route
        try:
            response = await route.endpoint(Request(scope, receive))
        except ANSWERED_FAULTS as fault:
            response = self._refuse(scope, fault)
        await response(scope, receive, send)


def post_routes(routes: Sequence[BaseRoute]) -> dict[str, APIRoute]:
    return {route.path: route for route in routes if isinstance(route, APIRoute) and "POST" in (route.methods or ())}


def json_response(data: Any) -> Response:
    """Data as JSON; a number that is none in JSON is null."""
    return Response(to_json(data, inf_nan_mode="null"), media_type="application/json")
