"""Cuts connections whose request head does not arrive in time, or does not end, and refuses more than may be open.

Uvicorn waits without end for a head that comes byte by byte, or not at all; each such connection holds a file
descriptor (the attack is called Slowloris). And it keeps a head in memory, however long; its own limit of connections
answers plain text. Bodies have their own limits, `gateway.api.request_bodies`.
"""

import asyncio
from http import HTTPStatus
from typing import Any, ClassVar, Final

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.problems import Problem

MOST_HEAD_BYTES: Final = 65_536
"""Four times the longest token that is accepted."""
TOO_LONG: Final = Problem(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "head-too-large",
    f"the request's head has more than {MOST_HEAD_BYTES} bytes",
    headers={"Connection": "close"},
)
TOO_MANY: Final = Problem(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "too-many-connections",
    "too many connections are open",
    headers={"Connection": "close", "Retry-After": "2"},
)


def protocol_of(head_s: float, most_connections: int) -> type[HttpToolsProtocol]:
    """The protocol with these limits, see `BoundedProtocol`."""
    return type("BoundedProtocol", (BoundedProtocol,), {"head_s": head_s, "most_connections": most_connections})


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol, with limits on the head of each request, and on connections."""

    head_s: ClassVar[float]
    """From the connection, or from the first byte of a later request, to the end of its head."""
    most_connections: ClassVar[int]
    """Open at once, idle ones among them; a request on one more is answered 503."""
    _head: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """The first head is due."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            self.app = _refuse_connection
        self._arm()

    def data_received(self, data: bytes) -> None:
        """A part of a request; a head beyond its limit is answered 431 and cut."""
        super().data_received(data)
        # Armed: what came is a head, or a part of one. What comes at once is bounded by the transport's reading.
        self._head_bytes = self._head_bytes + len(data) if self._head else 0
        if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_bytes_of(TOO_LONG))
            self.transport.close()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._arm()

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._disarm()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._disarm()
        super().connection_lost(exc)

    def _arm(self) -> None:
        self._disarm()
        self._head = self.loop.call_later(self.head_s, self.transport.close)

    def _disarm(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


async def _refuse_connection(scope: Scope, receive: Receive, send: Send) -> None:
    await TOO_MANY.response()(scope, receive, send)


def _bytes_of(problem: Problem) -> bytes:
    """The document as HTTP/1.1 sends it: the request has not come to the application."""
    response = problem.response()
    head = b"".join(b"%b: %b\r\n" % pair for pair in response.raw_headers)
    return b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (
        response.status_code,
        HTTPStatus(response.status_code).phrase.encode(),
        head,
        bytes(response.body),
    )
