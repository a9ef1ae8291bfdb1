"""The tracer of a process, where its settings ask for one; nothing of OpenTelemetry is imported where they do not."""

import os
from typing import TYPE_CHECKING

from schemas.errors import SetupError
from streams.runtime.settings import Connection

if TYPE_CHECKING:
    from streams.traces.batch_spans import BatchSpans
    from streams.traces.tracer import Attributes, Tracer


class TracesExtraError(SetupError):
    """Traces are on, and the libraries for them are not installed."""


def tracer_of(connection: Connection, service: str) -> "Tracer | None":
    """Exports to the collector that `OTEL_EXPORTER_OTLP_ENDPOINT` names; None where traces are off.

    OpenTelemetry's own switch is `OTEL_SDK_DISABLED`.

    Raises:
        TracesExtraError: the extra `otel` is not installed.
    """
    if not connection.traces or os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        from streams.traces.tracer import Tracer
    except ImportError as cause:
        problem = "LOAN_TRACES needs an extra: pip install 'loan-decisions[otel]'"
        raise TracesExtraError(problem) from cause
    return Tracer(service, BatchSpanProcessor(OTLPSpanExporter()))


def batch_spans_of(
    tracer: "Tracer | None", batch_verb: str, record_verb: str, attributes: "Attributes"
) -> "BatchSpans | None":
    """Spans of a process' batches (`streams.traces.batch_spans`); None where traces are off."""
    if tracer is None:
        return None
    from streams.traces.batch_spans import BatchSpans

    return BatchSpans(tracer, batch_verb, record_verb, attributes)
