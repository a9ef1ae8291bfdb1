"""All that may lie on the applications topic, played between good applications through the real broker."""

import json
import random
from collections import Counter
from decimal import Decimal
from typing import Any

import fastavro
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from confluent_kafka.schema_registry import Schema

from schemas.codec.wire_format import frame
from schemas.events.decisions import FlagKind, LoanDecision, Outcome
from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime.settings import Connection
from tests.builders import CONTRACT, an_application, application_bytes
from tests.system.processes import Processes
from tests.system.wait import wait_for
from tests.system.workers import Answers, Applicants, start_worker

RUBBISH = bytes(reversed(range(250))) * 4_000
"""A megabyte; a broker's defaults take little more."""
UNKNOWN_ID = 987_654
GOOD = 20
PARTITIONS = 4


def unreadable(schema_id: int, foreign_id: int) -> dict[str, tuple[bytes | None, str]]:
    """Values by what is wrong with them, and the reason that must be given."""
    good = application_bytes(schema_id)
    return {
        "not Avro": (b"\x00" + schema_id.to_bytes(4, "big") + b"\xff" * 40, "undecodable"),
        "plain text": (b'{"application_id": "a-9"}', "not_framed"),
        "wrong magic byte": (b"\x01" + good[1:], "not_framed"),
        "unknown schema id": (b"\x00" + UNKNOWN_ID.to_bytes(4, "big") + good[5:], "unknown_schema"),
        "truncated": (good[:-9], "undecodable"),
        "a schema without the required fields": (b"\x00" + foreign_id.to_bytes(4, "big") + good[5:], ""),
        "tombstone": (None, "tombstone"),
        "a megabyte of rubbish": (RUBBISH, "oversized"),
        "empty": (b"", "not_framed"),
    }


def unscorable() -> dict[str, tuple[dict[str, Any], str]]:
    """Fields by what is wrong with them, and the fault that must be named."""
    return {
        "age-out-of-range": ({"cb_person_cred_hist_length": 200}, "out_of_range"),
        "not-a-number": ({"person_emp_length": float("nan")}, "not_finite"),
        "infinite": ({"person_emp_length": float("inf")}, "not_finite"),
        "zero-income": ({"person_income": Decimal("0.00")}, "out_of_range"),
        "negative-income": ({"person_income": Decimal("-1.00")}, "out_of_range"),
        "contradictory": ({"loan_percent_income": 0.9, "person_income": Decimal("73913.37")}, "contradictory"),
        "undeclared": ({"loan_intent": "YACHT"}, "unknown_level"),
        "in-another-case": ({"person_home_ownership": "Rent"}, "unknown_level"),
    }


def test_each_bad_record_gets_what_it_should_and_none_stands_in_the_way_of_good_ones(
    connection: Connection, processes: Processes, champion: RegisteredVersion
) -> None:
    worker = start_worker(processes)
    applicants, answers = Applicants(connection), Answers(connection)
    foreign = connection.registry().get_latest_version(f"{connection.topics().outcomes.name}-value").schema_id or 0
    bad = unreadable(applicants.schema_id, foreign)
    faulty = unscorable()

    applicants.apply(range(GOOD))
    for name, (value, _) in bad.items():
        applicants.send(name.encode(), value, [("traceparent", b"00-1-2-01")])
        applicants.apply(range(len(applicants.sent), len(applicants.sent) + 2))
    for name, (fields, _) in faulty.items():
        applicants.send(name.encode(), application_bytes(applicants.schema_id, application_id=name, **fields))
        applicants.apply(range(len(applicants.sent), len(applicants.sent) + 2))
    duplicate = application_bytes(applicants.schema_id, application_id="twice")
    applicants.send(b"twice", duplicate)
    applicants.send(b"twice", duplicate)
    applicants.flush()

    expected = len(applicants.sent) + len(faulty) + 2
    decisions = wait_for(lambda: complete(answers, expected), 60, "all decisions")
    by_name = {decision.application_id: decision for decision in decisions}
    letters = {(letter.key() or b"").decode(): letter for letter in answers.dead_letters()}
    headers: dict[str, dict[str, Any]] = {name: dict(letter.headers() or []) for name, letter in letters.items()}

    assert Counter(decision.application_id for decision in decisions) == Counter(
        [*applicants.sent, *faulty, "twice", "twice"]
    )
    assert {name: by_name[name].fault for name in faulty} == {name: fault for name, (_, fault) in faulty.items()}
    assert {by_name[name].outcome for name in faulty} == {Outcome.REFER}
    assert {by_name[name].probability for name in faulty} == {None}
    assert all(by_name[name].fault is None for name in applicants.sent)
    assert {flag.kind for flag in by_name["undeclared"].flags if flag.feature == "loan_intent"} == {FlagKind.UNSEEN}
    assert len({d.decision_id for d in decisions if d.application_id == "twice"}) == 1

    assert letters.keys() == bad.keys() | faulty.keys()
    for name, (value, reason) in bad.items():
        left = headers[name].get("value_left_at_source") is not None
        assert letters[name].value() == (None if left else value), name
        assert left == (reason == "oversized"), name
        assert not reason or headers[name]["reason"] == reason.encode(), name
        assert headers[name]["traceparent"] == b"00-1-2-01"
        assert headers[name]["__connect.errors.topic"] == applicants.topic.encode()
    assert headers["a schema without the required fields"]["reason"] == b"foreign_schema"
    for name, (_, fault) in faulty.items():
        assert headers[name]["reason"] == fault.encode()

    metrics = worker.metrics()
    set_aside = sum(value for name, value in metrics.items() if name.startswith("loan_dead_letters_total"))
    assert set_aside == len(bad) + len(faulty)
    assert sum(value for name, value in metrics.items() if name.startswith("loan_predictions_total")) == expected
    told = worker.process.output() + worker.metrics_page() + str([headers[name] for name in faulty])
    for value in ("YACHT", "73913", "in-another-case", "age-out-of-range"):
        assert value not in told, "a value or an id of an applicant is in the log, the metrics or a header"
    assert worker.process.stop() == 0


def complete(answers: Answers, expected: int) -> list[LoanDecision]:
    decisions = answers.decisions()
    return decisions if len(decisions) >= expected else []


def test_an_older_writer_of_a_known_schema_is_read(
    connection: Connection, processes: Processes, champion: RegisteredVersion
) -> None:
    start_worker(processes)
    applicants, answers = Applicants(connection), Answers(connection)
    older = {**CONTRACT.schema, "fields": [f for f in CONTRACT.schema["fields"] if f["name"] != "loan_grade"]}
    registry = connection.registry()
    older_id = registry.register_schema(f"{applicants.topic}-value", Schema(json.dumps(older), "AVRO"))
    record = {name: value for name, value in an_application(application_id="old").items() if name != "loan_grade"}
    applicants.send(b"old", frame(older_id, fastavro.parse_schema(older), record))  # type: ignore[arg-type]
    applicants.flush()

    decisions = wait_for(lambda: complete(answers, 1), 30, "the decision")

    assert decisions[0].source_schema_id == older_id
    assert decisions[0].fault is None


def test_a_value_of_80_mb_in_a_gzip_batch_is_one_dead_letter_among_decisions(
    connection: Connection, processes: Processes, champion: RegisteredVersion
) -> None:
    """A broker bounds the compressed batch: 80 KB on its way become 80 MB at whoever reads it."""
    worker = start_worker(processes)
    applicants, answers = Applicants(connection), Answers(connection)
    inflating = Producer({**connection.kafka(), "compression.type": "gzip", "message.max.bytes": 90_000_000})

    applicants.apply(range(GOOD))
    applicants.flush()
    for partition in range(PARTITIONS):
        inflating.produce(applicants.topic, bytes(80_000_000), key=b"huge", partition=partition)
        assert inflating.flush(60) == 0
    applicants.apply(range(GOOD, 2 * GOOD))
    applicants.flush()

    wait_for(lambda: len(answers.counts()) == 2 * GOOD, 60, "all decisions")
    letters = wait_for(lambda: found if len(found := answers.dead_letters()) == PARTITIONS else [], 30, "dead letters")
    headers = [dict(letter.headers() or []) for letter in letters]
    assert {header["reason"] for header in headers} == {b"oversized"}
    assert {letter.value() for letter in letters} == {None}
    assert len({header["__connect.errors.partition"] for header in headers}) == PARTITIONS
    assert worker.process.stop() == 0


def test_a_dead_letter_topic_that_takes_little_is_told_at_the_start_and_stalls_nothing(
    connection: Connection, processes: Processes, champion: RegisteredVersion
) -> None:
    letters_topic = connection.topics().dead_letters.name
    limited = ConfigResource(ResourceType.TOPIC, letters_topic)
    limited.add_incremental_config(
        ConfigEntry("max.message.bytes", "2000", incremental_operation=AlterConfigOpType.SET)
    )
    admin = AdminClient(connection.kafka())
    next(iter(admin.incremental_alter_configs([limited]).values())).result(30)
    worker = start_worker(processes)
    applicants, answers = Applicants(connection), Answers(connection)

    applicants.apply(range(GOOD))
    for number in range(GOOD):
        applicants.send(f"bad-{number}".encode(), random.Random(number).randbytes(3_000))
    applicants.apply(range(GOOD, 2 * GOOD))
    applicants.flush()

    wait_for(lambda: len(answers.counts()) == 2 * GOOD, 60, "all decisions")
    letters = wait_for(lambda: found if len(found := answers.dead_letters()) == GOOD else [], 60, "all dead letters")
    assert set(answers.counts().values()) == {1}
    assert {letter.value() for letter in letters} == {None}
    assert {dict(letter.headers() or [])["value_left_at_source"] is not None for letter in letters} == {True}
    assert len({dict(letter.headers() or [])["__connect.errors.offset"] for letter in letters}) > 1
    [line] = [line for line in worker.process.output().splitlines() if '"topic.limited"' in line]
    assert json.loads(line)["topic"] == letters_topic
    assert worker.process.stop() == 0
