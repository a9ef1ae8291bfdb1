"""Decisions in bulk and one by one become the same rows, whatever the bytes."""

from dataclasses import replace
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.ingest.bulk_decision_rows import DecisionRowMaker, bulk_items
from ledger.ingest.table_rows import RowMaker, flat_decision
from ledger.sql import ledger_tables
from schemas.codec.event_codec import as_record, avro_schema
from schemas.codec.wire_format import frame
from schemas.events.decisions import Contribution, ContributionSpace, DataFlag, FlagKind, LoanDecision, Outcome, Reason
from tests.builders import a_batch
from tests.decisions import a_decision

SCHEMA: Any = fastavro.parse_schema(dict(avro_schema(LoanDecision)))
MORE = {"name": "more", "type": "int", "default": 0}
FOREIGN: Any = fastavro.parse_schema(
    {**avro_schema(LoanDecision), "fields": [*avro_schema(LoanDecision)["fields"], MORE]}
)
OURS, THEIRS = 9, 10
WRITERS = {OURS: SCHEMA, THEIRS: FOREIGN}
ONE_BY_ONE = RowMaker(ledger_tables.decisions, LoanDecision, flat_decision)
IN_BULK = DecisionRowMaker(ledger_tables.decisions, LoanDecision, flat_decision)

numbers = st.floats(width=64)
texts = st.one_of(st.text(max_size=6), st.sampled_from(["", "\0", "a\\tb", "\t\n\r\\", "'", '"']))
named = st.one_of(st.none(), numbers, texts)
flags = st.builds(DataFlag, feature=texts, kind=st.sampled_from(FlagKind))
features = st.lists(st.sampled_from(["income", "intent", "é", "rate"]), unique=True, max_size=4)


@st.composite
def decisions(draw):
    names = draw(st.one_of(st.just(["income", "intent"]), features, st.just(["income", "income"])))
    contributions = tuple(Contribution(feature=name, value=draw(named), contribution=draw(numbers)) for name in names)
    reasons = tuple(
        Reason(code=draw(texts), text=draw(texts), features=tuple(draw(st.lists(texts, max_size=2))))
        for _ in range(draw(st.integers(0, 3)))
    )
    decision = a_decision(draw(texts), draw(st.one_of(st.none(), st.floats(0, 1))))
    return replace(
        decision,
        margin=draw(st.one_of(st.none(), numbers)),
        base_value=draw(numbers),
        approve_below=draw(st.floats(0, 1)),
        contributions=contributions,
        reasons=reasons,
        flags=tuple(
            DataFlag(feature=draw(texts), kind=draw(st.sampled_from(FlagKind))) for _ in range(draw(st.integers(0, 2)))
        ),
        fault=draw(st.one_of(st.none(), texts)),
        outcome=draw(st.sampled_from(Outcome)),
        contribution_space=draw(st.sampled_from(ContributionSpace)),
        scorecard_version=draw(texts),
        source_offset=draw(st.integers(0, 2**62)),
    )


def frame_decision(decision: LoanDecision, schema_id: int = OURS) -> bytes:
    record = as_record(decision)
    return frame(schema_id, WRITERS[schema_id], record if schema_id == OURS else {**record, "more": 1})


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.lists(decisions(), max_size=6), st.integers(-(10**15), 10**15))
def test_both_make_the_same_rows(found, timestamp):
    batch = a_batch(*map(frame_decision, found), timestamps=[timestamp] * len(found))

    assert list(IN_BULK.items(batch, WRITERS)) == list(ONE_BY_ONE.items(batch, WRITERS))


@settings(max_examples=150, deadline=None)
@given(decisions(), st.integers(0, 10_000), st.integers(0, 255))
def test_damaged_bytes_become_the_same_too(decision, place, byte):
    good = frame_decision(decision)
    damaged = bytearray(good)
    damaged[place % len(good)] = byte
    batch = a_batch(good, bytes(damaged), good[: place % len(good)], good)

    assert list(IN_BULK.items(batch, WRITERS)) == list(ONE_BY_ONE.items(batch, WRITERS))


def test_most_rows_are_made_in_bulk():
    parts = (
        Contribution(feature="income", value=1.0, contribution=0.5),
        Contribution(feature="intent", value="A", contribution=0.1),
    )
    usual = [a_decision(f"a-{number}", 0.3, contributions=parts) for number in range(5)]
    batch = a_batch(*map(frame_decision, usual))

    assert None not in bulk_items(batch, range(5))


def test_another_writers_schema_is_read_one_by_one():
    batch = a_batch(frame_decision(a_decision("a-1", 0.3)), frame_decision(a_decision("a-2", 0.3), THEIRS), None, b"x")

    assert [item.reason for item in IN_BULK.items(batch, WRITERS)] == ["", "", "tombstone", "not_framed"]


@pytest.mark.parametrize("size", [1_024, 1_025])
def test_an_id_that_no_index_holds_is_passed_over(size):
    batch = a_batch(frame_decision(a_decision("a" * size, 0.3)))

    reasons = [maker.items(batch, WRITERS)[0].reason for maker in (IN_BULK, ONE_BY_ONE)]

    assert reasons == (["", ""] if size == 1_024 else ["oversized_id", "oversized_id"])
