"""What a record counts as."""

import json
from dataclasses import replace

import fastavro
import numpy as np
import pytest
from confluent_kafka import TopicPartition

from drift.agent.transaction_output import offset_of, position_of
from drift.binning.binned_records import MILLIONTHS
from drift.binning.binner import ApplicationCells, DecisionCells
from drift.binning.reference import ForeignProfileError, Reference
from drift.windows.panes import PanePosition
from schemas.codec.event_codec import avro_schema
from schemas.codec.wire_format import frame
from schemas.events.decisions import LoanDecision
from scorecard.profile import bin_counts
from tests.builders import CONTRACT, WRITERS, a_batch, application_bytes, some_values
from tests.unit.drift.stream import NAMES, START, a_profile, a_reference

DECISION = fastavro.parse_schema(dict(avro_schema(LoanDecision)))


def decision_bytes(reference: Reference, **fields) -> bytes:
    usual = {
        "decision_id": "d",
        "application_id": "a-1",
        "applied_at": START,
        "outcome": "DECLINE",
        "probability": 0.8,
        "margin": 1.4,
        "base_value": 0.0,
        "contribution_space": "LOG_ODDS",
        "contributions": [{"feature": name, "value": 1.0, "contribution": 0.7} for name in NAMES],
        "approve_below": 0.1,
        "decline_from": 0.5,
        "reasons": [{"code": "AMOUNT", "text": "", "features": []}],
        "flags": [],
        "fault": None,
        "scorecard_name": "s",
        "scorecard_version": "1",
        "scorecard_digest": "d",
        "scorecard_family": "xgboost",
        "policy_version": "p",
        "reference_id": reference.reference_id,
        "source_topic": "t",
        "source_partition": 0,
        "source_offset": 0,
        "source_schema_id": 7,
    }
    return frame(9, DECISION, {**usual, **fields})


def test_an_applicants_places_add_up_to_the_profiles_own_counts():
    reference, values = a_reference(), some_values(500, seed=8)
    cells = ApplicationCells(CONTRACT, reference)

    counted = np.bincount(cells.cells(values).ravel(), minlength=cells.shape.cells)

    assert counted.tolist() == np.concatenate(bin_counts(reference.profile, CONTRACT, values)).tolist()


def test_records_that_cannot_be_read_are_marked_and_keep_their_place():
    cells = ApplicationCells(CONTRACT, a_reference())

    seen = cells.observe(
        a_batch(application_bytes(), b"rubbish", None, application_bytes(application_id="a-2")), WRITERS
    )

    assert seen.readable.tolist() == [True, False, False, True]
    assert (seen.ids[0], seen.ids[3]) == ("a-1", "a-2")


def test_a_decision_counts_by_score_contributions_reasons_and_outcome():
    reference = a_reference()
    cells = DecisionCells(reference)

    seen = cells.observe(a_batch(decision_bytes(reference)), {9: DECISION})
    counts = np.bincount(seen.cells[seen.cells >= 0], minlength=cells.shape.cells)
    layout = reference.decisions

    assert counts.sum() == 1 + len(NAMES) + 1 + 1
    assert layout.counts_of(len(NAMES) + 1, counts).tolist() == [0, 1, 0, 0, 0]  # INCOME, AMOUNT, and the odd ones
    assert counts[layout.starts[-1] :].tolist() == [0, 0, 0, 1]
    # Behind the numbers: one decision, and all whom its reference approves under any cut-off of its own.
    assert seen.sums.tolist() == [[0.8 * MILLIONTHS, 0.7 * MILLIONTHS, 0.7 * MILLIONTHS, 1, MILLIONTHS, MILLIONTHS]]


def test_an_unscored_decision_has_a_missing_score_and_no_sum():
    reference = a_reference()
    cells = DecisionCells(reference)

    seen = cells.observe(a_batch(decision_bytes(reference, probability=None, contributions=[])), {9: DECISION})

    assert seen.sums[:, :3].tolist() == [[0, 0, 0]]
    assert seen.cells[0, 0] == reference.profile.score.plain_bins


def test_another_champions_decisions_and_rubbish_are_left_out():
    reference = a_reference()
    batch = a_batch(decision_bytes(reference, reference_id="another"), b"rubbish", None, decision_bytes(reference))

    seen = DecisionCells(reference).observe(batch, {9: DECISION})

    assert seen.offsets.tolist() == [3]


def test_a_profile_of_another_contract_is_refused():
    foreign = replace(a_profile(some_values(50)), contract_fingerprint="another", contract_fields=())

    with pytest.raises(ForeignProfileError, match="another application schema"):
        Reference.of(0, "1", "d", foreign, CONTRACT)


def test_a_position_comes_back_from_its_committed_offset():
    position = PanePosition(next_offset=7, watermark=START, horizon=START - 1, floor=5, jumped=True, flushed=9)

    reference = a_reference()
    again = replace(reference, generation=reference.generation + 1)

    found = offset_of(("t", 0), position, reference)

    assert position_of(found, reference) == position_of(found, again) == position
    assert position_of(found, replace(reference, champion_digest="another")) == position.for_successor()


def test_a_position_that_a_version_before_committed_is_gone_on_with():
    memory = {"watermark": START, "horizon": START - 1, "floor": 5, "jumped": True, "generation": 3}
    found = TopicPartition("t", 0, 7, metadata=json.dumps(memory))

    assert position_of(found, a_reference()) == PanePosition(
        next_offset=7, watermark=START, horizon=START - 1, floor=START - 1, jumped=True
    )


@pytest.mark.parametrize("metadata", [None, "", "{", "[]", '{"watermark": 1}'])
def test_an_offset_that_a_tool_has_moved_begins_anew_there(metadata):
    found = TopicPartition("t", 0, 7, metadata=metadata) if metadata else TopicPartition("t", 0, 7)

    assert position_of(found, a_reference()) == PanePosition(next_offset=7)
