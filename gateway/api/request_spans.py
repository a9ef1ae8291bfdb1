"""A span of each request, by OpenTelemetry; a layer that is there only where traces are on.

The request's `traceparent` becomes that of its span, so that whatever passes it on makes children of the span.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from opentelemetry.trace import Span, SpanKind
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.middleware import EXEMPLAR
from schemas.trace_context import TRACEPARENT, is_sampled, trace_id
from streams.traces.tracer import Tracer, header_of, mark_failure

UNTRACED: Final = frozenset({"/health", "/ready", "/metrics"})
"""Asked every few seconds, by machines."""

_HEADER: Final = TRACEPARENT.encode()


class RequestSpans:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNTRACED:
            await self._app(scope, receive, send)
            return
        span = self._tracer.start(scope["method"], SpanKind.SERVER, _traceparent(scope["headers"]))
        status = [HTTPStatus.INTERNAL_SERVER_ERROR.value]

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
            await send(message)

        _pass_on(scope, header_of(span))
        try:
            await self._app(scope, receive, send_and_note)
        finally:
            _end(span, scope, status[0])


def _traceparent(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    return next((value for name, value in headers if name == _HEADER), None)


def _pass_on(scope: Scope, traceparent: bytes) -> None:
    scope["headers"] = [*(each for each in scope["headers"] if each[0] != _HEADER), (_HEADER, traceparent)]
    if is_sampled(traceparent):
        scope[EXEMPLAR] = {"trace_id": trace_id(traceparent)}


def _end(span: Span, scope: Scope, status: int) -> None:
    # The route, never the path: that one has ids in it.
    route = getattr(scope.get("route"), "path", "other")
    span.update_name(f"{scope['method']} {route}")
    span.set_attributes(
        {"http.request.method": scope["method"], "http.route": route, "http.response.status_code": status}
    )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        mark_failure(span, str(status))
    span.end()
