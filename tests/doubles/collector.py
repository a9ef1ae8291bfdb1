"""A collector of traces: OTLP over HTTP, kept in memory."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class SpanCollector:
    """Names of services' spans, by trace."""

    def __init__(self) -> None:
        self._traces: dict[bytes, set[tuple[str, str]]] = defaultdict(set)
        self._lock = threading.Lock()
        self.url = ""

    def take(self, body: bytes) -> None:
        """One export of a process."""
        for part in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = next(each.value.string_value for each in part.resource.attributes if each.key == "service.name")
            with self._lock:
                for span in (span for scope in part.scope_spans for span in scope.spans):
                    self._traces[span.trace_id].add((service, span.name))

    def traces(self) -> list[set[tuple[str, str]]]:
        """Service and name of each span, a set for each trace."""
        with self._lock:
            return [set(spans) for spans in self._traces.values()]


@contextmanager
def span_collector() -> Iterator[SpanCollector]:
    """A collector for the length of a block, at its `url`."""
    collector = SpanCollector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Exports are not news."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
