"""Spans of records that a process handles in batches: one of the batch, and one of each record whose trace is sampled.

A record's span is a child of the record's trace parent and links to the batch's. The batch's span is a child of its
first sampled record's, so that a trace shows the batch it was in unless another record of it was before.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from opentelemetry.trace import SpanKind

from schemas.records import RecordBatch
from schemas.trace_context import sampled_places, trace_id
from streams.traces.tracer import Attributes, Tracer, coordinates, header_of

MOST_RECORDS: Final = 50
"""Spans of one batch: a caller that samples everything must not slow down the others."""


@dataclass(frozen=True, slots=True)
class BatchSpans:
    """Of one kind of work."""

    tracer: Tracer
    batch_verb: str
    """What is done with a topic's batch, for the name of its span: `process`."""
    record_verb: str
    """What is done with each record: `decide`."""
    attributes: Attributes

    def record(self, batch: RecordBatch, began_ns: int, attributes: Attributes) -> Sequence[tuple[int, str]]:
        """The batch is done: its spans, if any of its records is sampled.

        Args:
            began_ns: when the work began, in nanoseconds since 1970.
            attributes: of this batch and each of its records.

        Returns:
            Place and trace id of each record that has a span.
        """
        traced = sampled_places(batch.headers, MOST_RECORDS)
        if not traced:
            return ()
        ended_ns = time.time_ns()
        known: dict[str, str | int] = {"messaging.system": "kafka", "messaging.destination.name": batch.topic}
        known |= {**self.attributes, **attributes}
        parents = [traceparent for _, traceparent in traced]
        name = f"{self.batch_verb} {batch.topic}"
        whole = self.tracer.start(name, SpanKind.CONSUMER, parents[0], links=parents, began_ns=began_ns)
        whole.set_attributes({**known, "messaging.batch.message_count": len(batch)})
        link = [header_of(whole)]
        for place, parent in traced:
            span = self.tracer.start(self.record_verb, SpanKind.INTERNAL, parent, links=link, began_ns=began_ns)
            span.set_attributes({**known, **coordinates(batch.partitions[place], batch.offsets[place])})
            span.end(ended_ns)
        whole.end(ended_ns)
        return [(place, trace_id(parent)) for place, parent in traced]
