"""A tracer whose spans stay in memory."""

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from streams.traces.tracer import Tracer

PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = b"00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
TRACE = 0x0AF7651916CD43DD8448EB211C80319C


class TracerInMemory(Tracer):
    """Every span that has ended can be looked at."""

    def __init__(self, service: str = "test") -> None:
        self._exporter = InMemorySpanExporter()
        super().__init__(service, SimpleSpanProcessor(self._exporter))

    def spans(self) -> dict[str, ReadableSpan]:
        """By name; the last of each."""
        return {span.name: span for span in self._exporter.get_finished_spans()}

    def count(self) -> int:
        return len(self._exporter.get_finished_spans())
