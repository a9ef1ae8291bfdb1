"""A collector of traces: OTLP over HTTP, kept in memory."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.doubles.http_server import Handler, web_server


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

    class SpanHandler(Handler):
        def respond(self) -> None:
            collector.take(self.body())
            self.reply(200, headers={"Content-Type": "application/x-protobuf"})

    with web_server(SpanHandler) as collector.url:
        yield collector
