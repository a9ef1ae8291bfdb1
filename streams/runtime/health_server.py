"""The web port of a process: `/metrics` for Prometheus, `/health` and `/ready` for its supervisor.

Listens on loopback unless configured otherwise. A separate thread answers, so that a process that is busy with a
batch does not look dead. Only GET, and no applicant's values.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from prometheus_client import REGISTRY, CollectorRegistry, Gauge
from prometheus_client.exposition import choose_encoder

from schemas.errors import SetupError

LOOPBACK: Final = "127.0.0.1"
JSON_TYPE: Final = "application/json"


class PortTakenError(SetupError):
    """Another process listens on the configured port."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a process is. `live` is false where only a restart helps; `ready` where it does its work."""

    live: bool
    ready: bool
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Why, as plain JSON data."""

    def body(self) -> bytes:
        return json.dumps({"live": self.live, "ready": self.ready, **self.facts}, default=str).encode() + b"\n"


class WebServer:
    """Serves until closed."""

    def __init__(self, server: ThreadingHTTPServer, closed: Callable[[], None] = lambda: None) -> None:
        """Begins to answer.

        Args:
            server: bound.
            closed: called once it answers no more.
        """
        self._server = server
        self._closed = closed
        self._thread = threading.Thread(target=server.serve_forever, name="web", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on; useful if 0 asked for a free one."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        host = str(self._server.server_address[0])
        return f"http://{host}:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._closed()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(
    port: int,
    host: str = LOOPBACK,
    health: Callable[[], Health] = lambda: Health(live=True, ready=True),
    registry: CollectorRegistry = REGISTRY,
) -> WebServer:
    """Answer at this address, from a thread.

    Args:
        port: 0 for a free one.
        health: called at each request, from another thread.

    Raises:
        PortTakenError: another process listens there.
    """

    class Handler(_Handler):
        def answers(self) -> Mapping[str, Callable[[], tuple[int, str, bytes]]]:
            return {
                "/metrics": lambda: (HTTPStatus.OK, *metrics_page(registry, self.headers.get("Accept", ""))),
                "/health": lambda: _response(health(), lambda known: known.live),
                "/ready": lambda: _response(health(), lambda known: known.ready),
            }

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as cause:
        problem = f"web port {host}:{port} cannot be listened on: {cause.strerror}"
        raise PortTakenError(problem) from cause
    server.daemon_threads = True
    ready = ready_gauge(lambda: health().ready)
    registry.register(ready)
    return WebServer(server, lambda: registry.unregister(ready))


def metrics_page(registry: CollectorRegistry, accept: str) -> tuple[str, bytes]:
    """Content type and page for a scrape that accepts these types; in OpenMetrics, which has exemplars, if it may."""
    encode, content_type = choose_encoder(accept)
    return content_type, encode(registry)


def ready_gauge(ready: Callable[[], bool]) -> Gauge:
    """The metric that each process has of `/ready`; asked at each scrape, registered nowhere yet."""
    gauge = Gauge("loan_ready", "1 while this process does its work, as /ready tells.", registry=None)
    gauge.set_function(lambda: float(ready()))
    return gauge


def _response(health: Health, good: Callable[[Health], bool]) -> tuple[int, str, bytes]:
    status = HTTPStatus.OK if good(health) else HTTPStatus.SERVICE_UNAVAILABLE
    return status, JSON_TYPE, health.body()


class _Handler(BaseHTTPRequestHandler):
    def answers(self) -> Mapping[str, Callable[[], tuple[int, str, bytes]]]:
        raise NotImplementedError

    def do_GET(self) -> None:
        answer = self.answers().get(self.path.partition("?")[0])
        status, kind, body = answer() if answer else (HTTPStatus.NOT_FOUND, JSON_TYPE, b"{}\n")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Scrapes are not news."""
