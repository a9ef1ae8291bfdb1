"""A span of each application that is published; around the publisher, only where traces are on."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from opentelemetry.trace import Span, SpanKind

from gateway.exchange.exchange import Publisher
from schemas.records import Headers, RecordPosition
from schemas.trace_context import TRACEPARENT, traceparent_of
from streams.traces.tracer import Tracer, coordinates, header_of, mark_failure


class TracedPublisher(Publisher):
    """A publisher whose applications carry the trace parent of their own span, which ends with the broker's answer."""

    def __init__(self, publisher: Publisher, tracer: Tracer, topic: str) -> None:
        self._publisher = publisher
        self._tracer = tracer
        self._topic = topic

    @property
    def schema_id(self) -> int:  # type: ignore[override]  # read only, of the publisher
        """The id of the application schema in the registry; 0 before it is known."""
        return self._publisher.schema_id

    def encode(self, record: Mapping[str, Any]) -> bytes:
        return self._publisher.encode(record)

    def publish(self, key: bytes, value: bytes, headers: Headers) -> "asyncio.Future[RecordPosition]":
        """Partition and offset once the broker has it."""
        span = self._tracer.start(f"send {self._topic}", SpanKind.PRODUCER, traceparent_of(headers))
        span.set_attributes({"messaging.system": "kafka", "messaging.destination.name": self._topic})
        rest = tuple(each for each in headers if each[0] != TRACEPARENT)
        published = self._publisher.publish(key, value, (*rest, (TRACEPARENT, header_of(span))))
        published.add_done_callback(partial(_end, span))
        return published


def _end(span: Span, published: "asyncio.Future[RecordPosition]") -> None:
    fault = None if published.cancelled() else published.exception()
    if fault is not None:
        mark_failure(span, type(fault).__name__)
    elif not published.cancelled():
        span.set_attributes(coordinates(*published.result()))
    span.end()
