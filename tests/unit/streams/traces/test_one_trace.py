"""Request, application, batch, decision and the ledger's row are one trace; nothing of the applicant is in it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from opentelemetry.sdk.trace import ReadableSpan
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest

from gateway.exchange.pending_decisions import TooManyPendingError
from ledger.ingest.recorder import Recorder
from ledger.metrics import LedgerMetrics
from ledger.sql import ledger_tables
from ledger.sql.database import Database
from schemas.codec.event_codec import avro_schema
from schemas.events.decisions import LoanDecision
from schemas.records import OutgoingRecord, RecordBatch
from streams.kafka.group.read_batch import ReadBatch
from streams.runtime.lifecycle import Lifecycle
from streams.traces.batch_spans import MOST_RECORDS
from streams.traces.tracer_factory import batch_spans_of
from streams.worker.batch_handler import BatchHandler
from streams.worker.metrics import WorkerMetrics
from tests.builders import CONTRACT, DECISION_SCHEMA_ID, WRITERS, a_batch, a_wire, application_bytes
from tests.doubles.gateway import FakeSlot, GatewayDouble, a_gateway
from tests.ledger_databases import sqlite_ledger
from tests.ledger_records import MAKERS, TOPICS
from tests.unit.gateway.calls import a_body, client_of
from tests.unit.streams.traces.memory import PARENT, TRACE, UNSAMPLED, TracerInMemory

CANARY = 48_273
"""An income that no identifier, time or count has in it."""


@dataclass
class FakeDelivery:
    records: list[OutgoingRecord] = field(default_factory=list)

    def deliver(self, records: Sequence[OutgoingRecord], *_: Any) -> None:
        self.records += records


@pytest.fixture
def tracer() -> TracerInMemory:
    return TracerInMemory()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = sqlite_ledger(tmp_path)
    yield made
    made.close()


def decide_batch(
    batch: RecordBatch, tracer: TracerInMemory | None, registry: CollectorRegistry
) -> list[OutgoingRecord]:
    """The decisions of the worker's own handler on a batch."""
    handler = BatchHandler(
        wire=a_wire(),
        shadow_wire=a_wire(),
        policy=None,
        writers=SimpleNamespace(of=lambda _ids: WRITERS),
        champion=FakeSlot(),
        challenger=FakeSlot(holder=None),
        metrics=WorkerMetrics(CONTRACT, registry),
        lifecycle=Lifecycle(),
        spans=batch_spans_of(tracer, "process", "decide", {"messaging.consumer.group.name": "scoring"}),
    )
    delivery, reader = FakeDelivery(), SimpleNamespace(is_current=lambda _batch: True)
    read = ReadBatch(batch, None, {}, {}, 0)
    handler.answer(SimpleNamespace(batch=read, session=SimpleNamespace(delivery=delivery, reader=reader)))
    return delivery.records


def record_in_ledger(decisions: Sequence[OutgoingRecord], tracer: TracerInMemory, database: Database) -> None:
    consumer = SimpleNamespace(read_to=lambda *_: None, commit=lambda _positions: None)
    recorder = Recorder(
        connection=None,
        reading=None,
        database=database,
        makers=MAKERS,
        writers={
            TOPICS.decisions.name: SimpleNamespace(of=lambda _ids: {DECISION_SCHEMA_ID: avro_schema(LoanDecision)})
        },
        metrics=LedgerMetrics(["decisions"], CollectorRegistry()),
        lifecycle=Lifecycle(),
        spans=batch_spans_of(tracer, "record", "insert", {}),
    )
    values = [each.value for each in decisions]
    recorder.record(
        consumer, a_batch(*values, topic=TOPICS.decisions.name, headers=[each.headers for each in decisions])
    )


async def submit(double: GatewayDouble, **headers: str) -> RecordBatch:
    """What a request leaves on the topic."""
    async with client_of(double.app, **headers) as client:
        answer = await client.post("/predict", json=a_body(application_id="canary-id", person_income=CANARY))
    assert answer.status_code == 200
    return a_batch(*double.topic.values, headers=[tuple(each) for each in double.topic.headers])


async def test_request_application_batch_decision_and_row_are_one_trace(
    tracer: TracerInMemory, database: Database
) -> None:
    applications = await submit(a_gateway(tracer=tracer), traceparent=PARENT.decode())
    decisions = decide_batch(applications, tracer, CollectorRegistry())
    record_in_ledger(decisions, tracer, database)

    spans = tracer.spans()
    parents = {name: span.parent.span_id for name, span in spans.items() if span.parent}
    ids = {name: span.context.span_id for name, span in spans.items()}
    assert {span.context.trace_id for span in spans.values()} == {TRACE}
    assert parents == {
        "POST /predict": 0xB7AD6B7169203331,
        "send loan.applications.v1": ids["POST /predict"],
        "process loan.applications.v1": ids["send loan.applications.v1"],
        "decide": ids["send loan.applications.v1"],
        "record loan.decisions.v1": ids["send loan.applications.v1"],
        "insert": ids["send loan.applications.v1"],
    }
    assert spans["decide"].links[0].context.span_id == ids["process loan.applications.v1"]
    assert spans["decide"].attributes["messaging.kafka.offset"] == 0
    assert spans["decide"].attributes["loan.scorecard.version"] == "1"
    assert spans["process loan.applications.v1"].attributes["messaging.batch.message_count"] == 1
    with database.read_transaction() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(ledger_tables.decisions)).scalar_one() == 1


def text_of(span: ReadableSpan) -> str:
    """What a span says, without its ids and times: those are random, and have any digits."""
    events = [(event.name, dict(event.attributes or {})) for event in span.events]
    return f"{span.name} {dict(span.attributes or {})} {span.status.description} {events}"


async def test_nothing_of_an_applicant_is_in_a_span(tracer: TracerInMemory, database: Database) -> None:
    record_in_ledger(
        decide_batch(await submit(a_gateway(tracer=tracer)), tracer, CollectorRegistry()), tracer, database
    )

    spans = tracer.spans().values()
    text = " ".join(text_of(span) for span in spans)
    assert len(spans) == 6
    assert not re.search(f"canary|{CANARY}|RENT|MEDICAL|APPROVE|REFER|DECLINE", text)


async def test_a_trace_that_is_not_sampled_goes_on_and_has_no_spans(tracer: TracerInMemory) -> None:
    applications = await submit(a_gateway(tracer=tracer), traceparent=UNSAMPLED.decode())
    (decision,) = decide_batch(applications, tracer, CollectorRegistry())

    passed_on = dict(decision.headers)["traceparent"]
    assert passed_on[:36] == UNSAMPLED[:36]
    assert passed_on.endswith(b"-00")
    assert tracer.count() == 0


@pytest.mark.parametrize("stranger", ["rubbish", "00-" + "0" * 32 + "-" + "1" * 16 + "-01"])
async def test_a_malformed_parent_begins_a_trace_of_its_own(tracer: TracerInMemory, stranger: str) -> None:
    await submit(a_gateway(tracer=tracer), traceparent=stranger)

    span = tracer.spans()["POST /predict"]
    assert span.parent is None


async def test_without_traces_a_parent_passes_as_it_came() -> None:
    applications = await submit(a_gateway(), traceparent=PARENT.decode())
    (decision,) = decide_batch(applications, None, CollectorRegistry())

    assert dict(applications.headers[0])["traceparent"] == PARENT
    assert dict(decision.headers)["traceparent"] == PARENT


async def test_an_application_that_the_broker_refuses_is_a_failed_span_without_its_message(
    tracer: TracerInMemory,
) -> None:
    double = a_gateway(tracer=tracer)
    double.topic.fault = TooManyPendingError("48273 euro")
    async with client_of(double.app) as client:
        await client.post("/predict", json=a_body())

    span = tracer.spans()["send loan.applications.v1"]
    assert span.status.description == "TooManyPendingError"
    assert "48273" not in text_of(span)


def test_a_batch_of_which_everything_is_sampled_has_a_bound(tracer: TracerInMemory) -> None:
    values = [application_bytes(application_id=f"a-{place}") for place in range(MOST_RECORDS + 20)]
    decide_batch(a_batch(*values, headers=[(("traceparent", PARENT),)] * len(values)), tracer, CollectorRegistry())

    assert tracer.count() == MOST_RECORDS + 1


def test_the_latency_of_a_sampled_record_is_an_exemplar_of_its_bucket(tracer: TracerInMemory) -> None:
    registry = CollectorRegistry()
    batch = a_batch(application_bytes(), application_bytes(), headers=[(), (("traceparent", PARENT),)])

    decide_batch(batch, tracer, registry)

    page = generate_latest(registry).decode()
    (line,) = [each for each in page.splitlines() if " # {" in each]
    assert line.startswith('loan_decision_latency_seconds_bucket{le="+Inf"} 2.0 # {trace_id="')
    assert f"{TRACE:032x}" in line


async def test_a_sampled_request_is_an_exemplar_where_the_scrape_may_have_one(tracer: TracerInMemory) -> None:
    double = a_gateway(tracer=tracer)
    async with client_of(double.app, traceparent=PARENT.decode()) as client:
        await client.post("/predict", json=a_body())
        plain = await client.get("/metrics")
        scrape = await client.get("/metrics", headers={"accept": "application/openmetrics-text;version=1.0.0"})

    assert plain.headers["content-type"].startswith("text/plain")
    assert "trace_id" not in plain.text
    assert scrape.headers["content-type"].startswith("application/openmetrics-text")
    assert f'# {{trace_id="{TRACE:032x}"}}' in scrape.text
