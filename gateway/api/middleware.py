"""Around every request: metrics, security headers, and one answer for unforeseen exceptions."""

import time
import traceback
from collections.abc import Callable, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, Final

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.metrics import GatewayMetrics
from gateway.problems import Problem

SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
UNSET_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Unless the endpoint sets another."""
DEMO_HEADERS: Final = ((b"loan-demo", b"made up"), (b"x-robots-tag", b"noindex"))
"""Of every answer of a demo: no decision in it is anybody's."""

EXEMPLAR: Final = "loan.exemplar"
"""In a request's scope: labels of the exemplar of its metrics, where its trace is sampled."""

log = structlog.get_logger(__name__)


class Surroundings:
    """ASGI middleware."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: GatewayMetrics,
        clock: Callable[[], float] = time.perf_counter,
        extra: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        """Args beside the usual: `extra` headers of every answer."""
        self._app = app
        self._metrics = metrics
        self._clock = clock
        self._extra = extra
        self._series = cache(self._series_of)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = self._clock(), [0]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
                message["headers"] = _with_security([*message.get("headers", ()), *self._extra])
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as fault:  # noqa: BLE001 - the last handler; what it answers tells nothing
            # The message of a foreign exception may hold an applicant's value: its type and place say enough.
            log.error("request.failed", error=type(fault).__name__, where=_place_of(fault))  # noqa: TRY400
            if not status[0]:
                await _unforeseen().response()(scope, receive, send_with_headers)
        finally:
            self._count(scope, status[0], self._clock() - began)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        requests, histogram = self._series(getattr(scope.get("route"), "path", "other"), status // 100)
        requests.inc()
        histogram.observe(seconds, scope.get(EXEMPLAR))

    def _series_of(self, route: str, hundreds: int) -> tuple[Counter, Histogram]:
        return self._metrics.requests.labels(route, f"{hundreds}xx"), self._metrics.seconds.labels(route)


def _with_security(given: Any) -> list[tuple[bytes, bytes]]:
    headers = [*given, *SECURITY_HEADERS]
    names = {name for name, _ in headers}
    return headers + [header for header in UNSET_HEADERS if header[0] not in names]


def _place_of(fault: Exception) -> str:
    last = traceback.extract_tb(fault.__traceback__)[-1]
    return f"{last.name}:{last.lineno}"


def _unforeseen() -> Problem:
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "unforeseen", "the gateway failed; its log says where")
