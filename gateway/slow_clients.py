"""Cuts connections whose request head does not arrive in time.

Uvicorn waits without end for a head that comes byte by byte, or not at all; each such connection holds a file
descriptor (the attack is called Slowloris). Bodies have their own limit, `gateway.api.request_bodies`.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


def protocol_of(head_s: float) -> type[HttpToolsProtocol]:
    """Uvicorn's HTTP protocol, with a time limit on the head of each request.

    Args:
        head_s: from the connection, or from the first byte of a later request, to the end of its head.
    """

    class TimedProtocol(HttpToolsProtocol):
        _head: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._arm()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._arm()

        def on_headers_complete(self) -> None:
            self._disarm()
            super().on_headers_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._disarm()
            super().connection_lost(exc)

        def _arm(self) -> None:
            self._disarm()
            self._head = self.loop.call_later(head_s, self.transport.close)

        def _disarm(self) -> None:
            if self._head is not None:
                self._head.cancel()
                self._head = None

    return TimedProtocol
