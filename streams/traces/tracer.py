"""A process' spans by OpenTelemetry, exported in the background.

The provider is this object's own and not the global one, which MLflow and others may use. Sampling, exporter and
resource are set by OpenTelemetry's own variables (`OTEL_...`). Attributes hold coordinates, counts and versions, never
an application's id or value.
"""

import os
import threading
from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry import context, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from schemas.release import code_version
from schemas.trace_context import TRACEPARENT, W3C

LIBRARY: Final = "loan-decisions"
CLOSE_S: Final = 2.0
"""A collector that is away may not hold back a stop: what it has not taken by then is dropped."""

Attributes = Mapping[str, str | int]

_W3C_CONTEXT: Final = TraceContextTextMapPropagator()


class Tracer:
    """Makes spans. Any thread may call."""

    def __init__(self, service: str, processor: SpanProcessor) -> None:
        """Exports nothing yet.

        Args:
            service: this process' name, unless `OTEL_SERVICE_NAME` says another.
            processor: takes ended spans.
        """
        name = os.environ.get("OTEL_SERVICE_NAME", service)
        resource = Resource.create({"service.name": name, "service.version": code_version()})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer(LIBRARY, code_version())

    def start(
        self,
        name: str,
        kind: SpanKind,
        parent: bytes | None = None,
        links: Sequence[bytes] = (),
        began_ns: int | None = None,
    ) -> Span:
        """A span that has begun.

        Args:
            parent: trace parent; None for a new trace.
            links: trace parents of other spans that it is about.
            began_ns: when, in nanoseconds since 1970; None for now.
        """
        return self._tracer.start_span(
            name,
            context_of(parent),
            kind,
            links=[Link(trace.get_current_span(context_of(each)).get_span_context()) for each in links],
            start_time=began_ns,
        )

    def close(self) -> None:
        """Export what has ended, within `CLOSE_S`."""
        closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        closing.start()
        closing.join(CLOSE_S)


def context_of(traceparent: bytes | None) -> context.Context:
    """The context of a caller's span; an empty one for None and for what is no trace parent."""
    if traceparent is None or not W3C.fullmatch(traceparent):
        return context.Context()
    return _W3C_CONTEXT.extract({TRACEPARENT: traceparent.decode()}, context.Context())


def header_of(span: Span) -> bytes:
    """The trace parent that makes others children of this span."""
    carrier: dict[str, str] = {}
    _W3C_CONTEXT.inject(carrier, trace.set_span_in_context(span, context.Context()))
    return carrier[TRACEPARENT].encode()


def coordinates(partition: int, offset: int) -> Attributes:
    """Attributes of a record's place on its topic, by their names of OpenTelemetry's conventions."""
    return {"messaging.destination.partition.id": str(partition), "messaging.kafka.offset": offset}


def mark_failure(span: Span, why: str) -> None:
    """The work that a span is of failed; `why` is an error's type, never its message."""
    span.set_status(Status(StatusCode.ERROR, why))
