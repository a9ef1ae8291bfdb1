"""Schemas, headers and bytes of strangers on a real broker: each is one dead letter, and nothing else notices."""

import io
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fastavro
from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaReference

from schemas.codec.wire_format import HEADER, frame
from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime.settings import Connection
from tests.builders import CONTRACT, an_application, application_bytes
from tests.system.processes import Processes
from tests.system.wait import wait_for
from tests.system.workers import READY_S, Answers, Applicants, Worker, start_worker
from training.rows import labelled_events

GOOD = 400
WAIT_S = 120.0
MEGABYTE = b"x" * 1_000_000
SIX_BYTES = b"\x00\x00\x0f\x42\x3f\x00"
"""Framed, under an id that no registry has."""


def ours_with(**types: Any) -> dict[str, Any]:
    """Our schema with a field more."""
    more = [{"name": name, "type": kind} for name, kind in types.items()]
    return {**CONTRACT.schema, "fields": [*CONTRACT.schema["fields"], *more]}


def foreign() -> dict[str, Any]:
    """Schemas by what is wrong with them."""
    wide = {"type": "bytes", "logicalType": "decimal", "precision": 400, "scale": 2}
    nested = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}
    return {
        "string": "string",
        "union": ["null", "string"],
        "decimal": ours_with(wide=wide),
        "recursive": nested,
        "nulls": ours_with(nothing={"type": "array", "items": "null"}),
    }


def bodies() -> dict[str, bytes]:
    good = application_bytes()[5:]
    return {
        "string": b"\x06abc",
        "union": b"\x02\x06abc",
        "decimal": good + b"\x02\x01",
        "recursive": b"\x02" * 60_000,
        "nulls": good + b"\xfe\xff\xff\xff\x7f",
    }


def poison(connection: Connection, applicants: Applicants, *, under: str) -> dict[bytes, str]:
    """Sends one of each; the reasons they must be given, by key."""
    registry = connection.registry()
    reason = "incompatible_schema" if under else "foreign_schema"
    expected = {}
    for name, schema in foreign().items():
        subject = under or f"com.acme.{applicants.topic}.{name}"
        schema_id = registry.register_schema(subject, Schema(json.dumps(schema), "AVRO"))
        applicants.send(name.encode(), HEADER.pack(0, schema_id) + bodies()[name])
        expected[name.encode()] = reason
    good = application_bytes(applicants.schema_id, application_id="stuffed")
    decimal = fastavro.parse_schema(json.loads(json.dumps(CONTRACT.schema).replace("logicalType", "doc")))
    out = io.BytesIO()
    plain = {**an_application(applied_at=0, person_income=b"\x7f" * 900_000, loan_amnt=b"\x01")}
    fastavro.schemaless_writer(out, decimal, plain)
    applicants.send(b"900 KB", HEADER.pack(0, applicants.schema_id) + out.getvalue())
    applicants.send(b"trace", good, [("traceparent", MEGABYTE)])
    applicants.send(b"reason", good, [("reasonable", MEGABYTE)])
    return {**expected, **dict.fromkeys((b"900 KB", b"trace", b"reason"), "oversized")}


def start_agent(processes: Processes, **settings: Any) -> Worker:
    agent = Worker(processes.start("drift", web_port=0, cache_dir=processes.folder / "cache", **settings))
    wait_for(agent.is_ready, READY_S, "the drift agent")
    return agent


def total(process: Worker, name: str) -> float:
    return sum(value for sample, value in process.metrics().items() if sample.startswith(name))


def test_schemas_decimals_and_headers_of_strangers_are_dead_letters_between_good_applications(
    connection: Connection, processes: Processes, champion: RegisteredVersion
) -> None:
    worker, agent = start_worker(processes), start_agent(processes)
    applicants, answers = Applicants(connection), Answers(connection)
    applicants.apply(range(GOOD // 2))
    expected = poison(connection, applicants, under="")
    applicants.apply(range(GOOD // 2, GOOD))
    applicants.flush()

    letters = wait_for(lambda: _all(answers.dead_letters(), len(expected)), WAIT_S, "the dead letters")
    counted = wait_for(lambda: _all(answers.counts(), GOOD), WAIT_S, "the decisions")

    assert counted == Counter(applicants.sent)
    said = {letter.key(): dict(letter.headers() or ())["reason"].decode() for letter in letters}
    assert said == expected
    assert len(letters) == len(expected)
    wait_for(lambda: total(agent, "loan_drift_records_total") >= 2 * GOOD, WAIT_S, "the drift agent's counts")
    assert worker.is_ready()
    assert agent.is_ready()
    # What a trainer makes of the same topics. It reads values alone: what only had large headers is readable to it.
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    seen = labelled_events.read_snapshot(connection, tomorrow, (datetime(2000, 1, 1, tzinfo=UTC), tomorrow))
    assert len(seen.window) == len(applicants.sent) + 1
    assert worker.process.stop() == 0
    assert agent.process.stop() == 0


def test_a_reference_and_foreign_units_under_our_own_subject_are_decided(
    connection: Connection, processes: Processes, champion: RegisteredVersion
) -> None:
    applicants, answers = Applicants(connection), Answers(connection)
    registry, subject = connection.registry(), f"{Applicants(connection).topic}-value"
    # First, since this registry checks no schema against one that refers to another.
    uuid = json.loads(json.dumps(CONTRACT.schema))
    uuid["fields"][0]["type"] = {"type": "string", "logicalType": "uuid"}
    named = registry.register_schema(subject, Schema(json.dumps(uuid), "AVRO"))
    applicants.send(
        b"uuid", frame(named, fastavro.parse_schema(dict(CONTRACT.schema)), an_application(application_id="u-1"))
    )
    meta = {"type": "record", "name": "Meta", "namespace": "com.acme", "fields": [{"name": "source", "type": "string"}]}
    registry.register_schema(f"{applicants.topic}.meta", Schema(json.dumps(meta), "AVRO"))
    refers = ours_with(meta=["null", "com.acme.Meta"])
    refers["fields"][-1]["default"] = None
    reference = {"name": "com.acme.Meta", "subject": f"{applicants.topic}.meta", "version": 1}
    theirs = registry.register_schema(subject, _schema_with_reference(refers, reference))
    inlined = fastavro.parse_schema(
        {**refers, "fields": [*refers["fields"][:-1], {"name": "meta", "type": ["null", meta]}]}
    )
    record = {**an_application(application_id="refers"), "meta": {"source": "branch"}}
    applicants.send(b"refers", frame(theirs, inlined, record))
    applicants.flush()
    worker = start_worker(processes)

    counted = wait_for(lambda: _all(answers.counts(), 2), WAIT_S, "the decisions")

    assert counted == Counter(["refers", "u-1"])
    assert answers.dead_letters() == []
    assert worker.process.stop() == 0


def test_six_bytes_and_a_tombstone_on_our_own_topics_stop_nobody(
    connection: Connection, processes: Processes, tmp_path: Path, champion: RegisteredVersion
) -> None:
    topics = connection.topics()
    producer = Producer({**connection.kafka(), "acks": "all"})
    hurt = (
        topics.champions,
        topics.retrain_commands,
        topics.retrain_results,
        topics.drift_acknowledgements,
        topics.drift_states,
        topics.drift_counts,
        topics.drift_reports,
        topics.performance_reports,
        topics.outcomes,
        topics.decisions,
    )
    for topic in hurt:
        for value in (SIX_BYTES, b"!", None):
            producer.produce(topic.name, value, key=b"credit_risk")
    assert producer.flush(30) == 0
    agent = start_agent(processes, window_count=20, minimum_n=10)
    trainer = Worker(processes.start("training", web_port=0, cache_dir=tmp_path / "cache", retrain_schedule=""))

    wait_for(lambda: trainer.url and total(trainer, 'loan_retrain_commands_total{status="UNREADABLE"}') == 3, WAIT_S)

    assert trainer.is_ready()
    assert agent.is_ready()
    history = processes.loanctl("drift", "history")
    assert history.status == 0, history.err
    assert "unknown_schema" in history.err + history.out
    assert trainer.process.stop() == 0
    assert agent.process.stop() == 0


def _all(found: Any, most: int) -> Any:
    return found if len(found) >= most else None


def _schema_with_reference(schema: Any, reference: dict[str, Any]) -> Schema:
    return Schema(json.dumps(schema), "AVRO", [SchemaReference(**reference)])
