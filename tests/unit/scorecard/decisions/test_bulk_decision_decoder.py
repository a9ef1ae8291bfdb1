"""Decisions read in bulk and one by one come to the same, whatever the bytes."""

from dataclasses import replace
from typing import Any

import fastavro
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.binning.binned_records import Observations
from drift.binning.binner import DecisionCells
from schemas.codec.event_codec import as_record, avro_schema
from schemas.codec.wire_format import frame
from schemas.events.decisions import Contribution, ContributionSpace, DataFlag, FlagKind, LoanDecision, Outcome, Reason
from scorecard.decisions.bulk_decision_decoder import is_ours
from tests.builders import a_batch
from tests.decisions import a_decision
from tests.unit.drift.stream import a_reference

REFERENCE = a_reference()
NAMES = [binned.name for binned in REFERENCE.profile.contributions]
CODES = list(REFERENCE.profile.reasons.levels)
WRITER: Any = fastavro.parse_schema(dict(avro_schema(LoanDecision)))
MORE = {"name": "more", "type": "int", "default": 0}
FOREIGN: Any = fastavro.parse_schema(
    {**avro_schema(LoanDecision), "fields": [*avro_schema(LoanDecision)["fields"], MORE]}
)
OURS, THEIRS = 9, 10

numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
texts = st.text(max_size=6)
contributions = st.lists(
    st.builds(
        Contribution,
        feature=st.one_of(st.sampled_from(NAMES), texts),
        value=st.one_of(st.none(), numbers, texts),
        contribution=st.floats(-50, 50),
    ),
    max_size=2 * len(NAMES),
)
reasons = st.lists(
    st.builds(Reason, code=st.one_of(st.sampled_from(CODES), texts), text=texts, features=st.lists(texts, max_size=2)),
    max_size=6,
)
decisions = st.builds(
    lambda decision, **fields: replace(decision, **fields),
    st.builds(a_decision, st.text(min_size=1, max_size=12), st.one_of(st.none(), st.floats(0.0, 1.0))),
    contributions=contributions,
    reasons=reasons,
    outcome=st.sampled_from(Outcome),
    contribution_space=st.sampled_from(ContributionSpace),
    flags=st.lists(st.builds(DataFlag, feature=texts, kind=st.sampled_from(FlagKind)), max_size=3),
    fault=st.one_of(st.none(), texts),
    reference_id=st.sampled_from([REFERENCE.reference_id, REFERENCE.reference_id, "another", ""]),
    policy_version=texts,
)


class OneByOne(DecisionCells):
    """The counter without its bulk pass."""

    def _is_ours(self, schema_id: object, writers: object) -> bool:
        return False


def columns(seen: Observations) -> dict[str, Any]:
    return {
        "offsets": seen.offsets.tolist(),
        "times": seen.times.tolist(),
        "ids": list(seen.ids),
        "cells": seen.cells.tolist(),
        "sums": seen.sums.tolist(),
    }


def the_same(values: list[bytes | None]) -> dict[str, Any]:
    """What both readers make of it, having seen that it is the same."""
    writers = {OURS: WRITER, THEIRS: FOREIGN}
    batch = a_batch(*values)
    bulk, slow = (columns(kind(REFERENCE).observe(batch, writers)) for kind in (DecisionCells, OneByOne))
    assert bulk == slow
    return bulk


def encode(decision: LoanDecision) -> bytes:
    return frame(OURS, WRITER, as_record(decision))


@given(st.lists(decisions, max_size=5))
@settings(deadline=None, max_examples=40)
def test_bulk_and_one_by_one_count_the_same(made: list[LoanDecision]) -> None:
    found = the_same([encode(each) for each in made])

    assert len(found["ids"]) == sum(each.reference_id == REFERENCE.reference_id for each in made)


@given(decisions, st.data())
@settings(deadline=None, max_examples=40)
def test_damaged_bytes_count_as_they_do_one_by_one(made: LoanDecision, data: st.DataObject) -> None:
    whole = encode(made)
    cut = data.draw(st.integers(0, len(whole)))
    place = data.draw(st.integers(5, len(whole) - 1))
    flipped = whole[:place] + bytes([data.draw(st.integers(0, 255))]) + whole[place + 1 :]

    the_same([whole[:cut], flipped, whole, whole + b"\0", None, b"", b"\0\0\0\0\x63x"])


def test_what_another_schema_wrote_is_read_one_by_one() -> None:
    made = replace(a_decision("a", 0.3), reference_id=REFERENCE.reference_id)
    foreign = frame(THEIRS, FOREIGN, {**as_record(made), "more": 7})

    found = the_same([foreign, encode(made)])

    assert found["ids"] == ["a", "a"]
    assert is_ours(WRITER)
    assert not is_ours(FOREIGN)
    assert not is_ours(None)


@pytest.mark.parametrize("items", [1, 3])
def test_arrays_in_blocks_that_tell_their_size_are_read(items: int) -> None:
    """Other writers may write an array in several blocks, each with the number of its bytes."""
    made = replace(a_decision("a", 0.3), reference_id=REFERENCE.reference_id, contributions=(), reasons=(), flags=())
    plain = encode(made)
    item = b"\x02" + NAMES[0][:1].encode() + b"\x00" + np.float64(0.5).tobytes()
    blocks = (b"\x01" + bytes([2 * len(item)]) + item) * items
    # After the contribution space, one byte, comes the empty array of contributions: three nulls or numbers before.
    before = plain.index(np.float64(made.approve_below).tobytes()) - 1
    assert plain[before] == 0

    found = the_same([plain[:before] + blocks + plain[before:]])

    assert found["ids"] == ["a"]
