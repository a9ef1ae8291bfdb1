"""Labelled rows of the topics: the first of each application, its last outcome, and memory for what counts alone."""

import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import fastavro
import pytest
from pydantic import SecretStr

from schemas.codec.event_codec import as_record, avro_schema
from schemas.codec.record_limits import RecordLimits
from schemas.codec.wire_format import frame
from schemas.events.decisions import LoanOutcome
from streams.kafka.topics.topic_reader import PartitionRange, Record
from tests.builders import APPLIED_AT, CONTRACT, PARSED, application_bytes
from training.rows import labelled_events

APPLICATIONS, OUTCOMES = 7, 8
OUTCOME_SCHEMA: Any = fastavro.parse_schema(dict(avro_schema(LoanOutcome)))
LATER = APPLIED_AT + timedelta(days=90)


class Topics:
    """Records of both topics, given out in blocks as the real reader gives them."""

    keys_url = SecretStr("")

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.records: dict[str, Iterator[Record] | list[Record]] = {
            name: [] for name in ("applications", "outcomes", "decisions", "reviews")
        }
        monkeypatch.setattr(labelled_events, "partition_ranges", self.ranges)
        monkeypatch.setattr(labelled_events, "blocks", self.blocks)
        monkeypatch.setattr(labelled_events, "WriterSchemas", lambda *_: SimpleNamespace(of=self.writers))

    def contract(self) -> Any:
        return CONTRACT

    def topics(self) -> Any:
        return SimpleNamespace(**{name: SimpleNamespace(name=name) for name in self.records})

    def registry(self) -> None:
        return None

    def record_limits(self) -> RecordLimits:
        return RecordLimits()

    def ranges(self, _connection: Any, topics: Sequence[str]) -> list[PartitionRange]:
        return [PartitionRange(topics[0], 0, 0, 1)]

    def blocks(self, _connection: Any, ranges: Sequence[PartitionRange]) -> Iterator[list[Record]]:
        block = []
        for record in self.records[ranges[0].topic]:
            block.append(record)
            if len(block) == 1_000:
                yield block
                block = []
        yield block

    def writers(self, _ids: Any) -> Any:
        return {APPLICATIONS: PARSED, OUTCOMES: OUTCOME_SCHEMA}


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> Topics:
    return Topics(monkeypatch)


def application_record(
    name: str, offset: int, *, partition: int = 0, when: datetime = APPLIED_AT, **fields: Any
) -> Record:
    value = application_bytes(APPLICATIONS, application_id=name, applied_at=when, **fields)
    return Record("applications", partition, offset, round(when.timestamp() * 1000), None, value)


def outcome_record(name: str, offset: int, *, defaulted: bool, when: datetime = LATER) -> Record:
    outcome = LoanOutcome(application_id=name, defaulted=defaulted, observed_at=when)
    value = frame(OUTCOMES, OUTCOME_SCHEMA, as_record(outcome))
    return Record("outcomes", 0, offset, round(when.timestamp() * 1000), None, value)


def snapshot(topics: Topics, **given: Any) -> labelled_events.TopicSnapshot:
    return labelled_events.read_snapshot(topics, datetime.now(UTC), **given)  # type: ignore[arg-type]


def test_the_first_record_of_an_application_gets_its_last_outcome(topics: Topics) -> None:
    topics.records["applications"] = [
        application_record("b", 4, partition=1, person_emp_length=2.0),
        application_record("a", 9, person_emp_length=9.0),
        application_record("a", 3, person_emp_length=3.0),
        application_record("nobody's", 5),
    ]
    topics.records["outcomes"] = [
        outcome_record("a", 0, defaulted=True, when=LATER + timedelta(days=1)),
        outcome_record("a", 1, defaulted=False),
        outcome_record("b", 2, defaulted=False),
        outcome_record("b", 3, defaulted=True),
        outcome_record("stranger", 4, defaulted=True),
        Record("outcomes", 0, 5, 0, None, b"rubbish"),
    ]

    found = snapshot(topics).labelled

    assert found.values[:, CONTRACT.position["person_emp_length"]].tolist() == [3.0, 2.0]
    assert found.defaulted.tolist() == [True, True]
    assert len(set(found.ids.tolist())) == 2
    assert found.recent.all()


def test_records_after_the_time_asked_for_count_for_nothing(topics: Topics) -> None:
    topics.records["applications"] = [application_record("a", 0)]
    topics.records["outcomes"] = [outcome_record("a", 0, defaulted=True)]

    found = labelled_events.read_snapshot(topics, LATER - timedelta(days=1))  # type: ignore[arg-type]

    assert len(found.labelled) == 0


def test_the_window_holds_the_applications_signed_in_it_whether_labelled_or_not(topics: Topics) -> None:
    days = [APPLIED_AT + timedelta(days=day) for day in range(4)]
    topics.records["applications"] = [application_record(f"a-{day}", day, when=when) for day, when in enumerate(days)]
    topics.records["outcomes"] = [outcome_record("a-0", 0, defaulted=True)]

    found = snapshot(topics, window=(days[1], days[3]))

    assert (len(found.window), len(found.labelled)) == (2, 1)


def test_outcomes_are_known_by_id(topics: Topics) -> None:
    topics.records["outcomes"] = [outcome_record("a", 0, defaulted=True), outcome_record("a", 1, defaulted=False)]

    assert labelled_events.known_outcomes(topics) == {"a": False}  # type: ignore[arg-type]


def peak_bytes(topics: Topics, count: int) -> int:
    topics.records["applications"] = (application_record(f"a-{place}", place) for place in range(count))
    topics.records["outcomes"] = [outcome_record(f"a-{place}", place, defaulted=place % 2 == 0) for place in range(100)]
    tracemalloc.start()
    found = snapshot(topics)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.labelled) == 100
    return peak


@pytest.mark.slow
def test_memory_does_not_follow_the_applications_whose_outcome_is_unknown(topics: Topics) -> None:
    few, many = peak_bytes(topics, 3_000), peak_bytes(topics, 12_000)

    # Held as objects, nine thousand more applications take 11 MB.
    assert many - few < 1_000_000


@pytest.mark.parametrize(("days", "ids"), [(0, 3), (60, 2), (61, 1), (92, 0)])
def test_of_a_product_with_a_performance_window_mature_loans_alone_are_labelled(
    topics: Topics, monkeypatch: pytest.MonkeyPatch, days: int, ids: int
) -> None:
    contract = replace(CONTRACT, label=replace(CONTRACT.label, outcome_after_days=days))
    monkeypatch.setattr(topics, "contract", lambda: contract)
    topics.records["applications"] = [
        application_record(f"a-{day}", day, when=APPLIED_AT + timedelta(days=day)) for day in (0, 31, 89)
    ]
    topics.records["outcomes"] = [outcome_record(f"a-{day}", day, defaulted=True) for day in (0, 31, 89)]

    found = labelled_events.read_snapshot(topics, APPLIED_AT + timedelta(days=91))  # type: ignore[arg-type]

    assert len(found.labelled) == ids


def test_a_default_after_the_performance_window_is_none_within_it(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = replace(CONTRACT, label=replace(CONTRACT.label, outcome_after_days=30))
    monkeypatch.setattr(topics, "contract", lambda: contract)
    topics.records["applications"] = [application_record(name, 0, when=APPLIED_AT) for name in ("in", "at", "out")]
    topics.records["outcomes"] = [
        outcome_record(name, 0, defaulted=True, when=APPLIED_AT + timedelta(days=30, milliseconds=beyond))
        for name, beyond in (("in", -1), ("at", 0), ("out", 1))
    ]

    found = labelled_events.read_snapshot(topics, APPLIED_AT + timedelta(days=91))  # type: ignore[arg-type]

    assert found.labelled.defaulted.tolist() == [True, True, False]
