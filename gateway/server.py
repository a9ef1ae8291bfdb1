"""Uvicorn's configuration for the gateway: stop and limits."""

import asyncio
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn

from gateway.slow_clients import protocol_of
from streams.runtime.health_server import PortTakenError

GRACE_S: Final = 20
"""Requests that wait for their decision at a stop are answered first."""
KEEP_ALIVE_S: Final = 5
MOST_CONNECTIONS: Final = 10_000
BACKLOG: Final = 2_048


class Server(uvicorn.Server):
    """Uvicorn's server, which otherwise ends the process by the signal that it was sent, with its status."""

    def __init__(self, config: uvicorn.Config, leaving: threading.Event) -> None:
        """Serves nothing yet.

        Args:
            leaving: set as a stop begins: answers without an end have theirs then.
        """
        super().__init__(config)
        self._leaving = leaving

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, and answer who waits."""
        self._leaving.set()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """A first signal asks for a stop that answers who waits; a second one for a stop at once."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that is bound.

    Raises:
        PortTakenError: names address and port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as cause:
        listening.close()
        problem = f"gateway port {host}:{port} cannot be listened on: {cause.strerror}"
        raise PortTakenError(problem) from cause
    return listening


def config(app: Any, head_s: float) -> uvicorn.Config:
    """Of the server.

    Args:
        head_s: a client that takes longer to send its head is cut.
    """
    return uvicorn.Config(
        app,
        http=protocol_of(head_s, MOST_CONNECTIONS),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
