import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import fastavro
import numpy as np
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event

from schemas.codec import bulk_decoder
from schemas.codec.event_codec import avro_schema, from_record
from schemas.codec.wire_format import unframe
from schemas.events.decisions import FlagKind, LoanDecision, Outcome
from schemas.records import OutgoingRecord
from scorecard.calibration import sigmoid
from scorecard.decisions import encoder_kernels
from scorecard.decisions.decision_records import DecisionWriter
from scorecard.decisions.scoring import ScoredBatch, score_batch, warm
from scorecard.forest import lookup
from scorecard.policy import Policy
from tests.builders import (
    APPLICATION_SCHEMA_ID,
    APPLIED_AT,
    DECISION_SCHEMA_ID,
    RELEASE,
    WRITERS,
    a_batch,
    a_champion,
    a_wire,
    application_bytes,
    contract_with,
)

CHAMPION = a_champion()
POLICY = CHAMPION.scorecard.policy
SCHEMA = fastavro.parse_schema(dict(avro_schema(LoanDecision)))


def score(*values: bytes | None, policy: Policy = POLICY, **columns) -> ScoredBatch:
    return score_batch(a_batch(*values, **columns), WRITERS, CHAMPION, policy, a_wire())


def read(record: OutgoingRecord) -> LoanDecision:
    schema_id, body = unframe(record.value)
    assert schema_id == DECISION_SCHEMA_ID
    return from_record(LoanDecision, fastavro.schemaless_reader(io.BytesIO(body), SCHEMA, None))


def decide(policy: Policy = POLICY, **fields) -> LoanDecision:
    return read(score(application_bytes(**fields), policy=policy).decisions[0])


def test_a_small_loan_is_approved_without_reasons():
    decision = decide(loan_percent_income=0.2)

    assert decision.outcome is Outcome.APPROVE
    assert decision.probability == pytest.approx(sigmoid(np.array(-2.0)))
    assert decision.reasons == []


def test_a_large_loan_is_declined_for_its_weight_on_income():
    decision = decide(loan_percent_income=0.29, loan_amnt=Decimal(14_500))

    assert decision.outcome is Outcome.DECLINE
    assert [(reason.code, list(reason.features)) for reason in decision.reasons] == [
        ("INCOME_AND_AMOUNT", ["loan_percent_income"])
    ]


def test_base_value_and_contributions_add_up_to_the_margin():
    decision = decide(loan_percent_income=0.2)

    total = decision.base_value + sum(item.contribution for item in decision.contributions)

    assert total == pytest.approx(decision.margin, abs=1e-9)
    assert decision.base_value == pytest.approx(0.6 * -2.0 + 0.4 * 1.0)


def test_all_features_stand_in_the_decision_with_the_values_scored():
    decision = decide(person_emp_length=None)

    values = {item.feature: item.value for item in decision.contributions}
    assert list(values) == list(CHAMPION.scorecard.features.names)
    assert values["person_income"] == 50_000.0
    assert values["person_home_ownership"] == "RENT"
    assert values["person_emp_length"] is None
    assert {(flag.feature, flag.kind) for flag in decision.flags} == {("person_emp_length", FlagKind.MISSING)}


def test_an_undeclared_level_is_referred_flagged_and_set_aside():
    outcome = score(application_bytes(person_home_ownership="Rent"))

    decision, headers = read(outcome.decisions[0]), dict(outcome.dead_letters[0].headers)
    assert (decision.outcome, decision.fault, decision.probability) == (Outcome.REFER, "unknown_level", None)
    assert [(flag.feature, flag.kind) for flag in decision.flags] == [("person_home_ownership", FlagKind.UNSEEN)]
    assert (headers["reason"], headers["field"]) == (b"unknown_level", b"person_home_ownership")


def test_an_undeclared_level_is_scored_and_flagged_where_the_contract_says_so():
    wire = replace(a_wire(), contract=contract_with("person_home_ownership", unknown="score"))

    outcome = score_batch(a_batch(application_bytes(person_home_ownership="Rent")), WRITERS, CHAMPION, POLICY, wire)

    decision = read(outcome.decisions[0])
    assert (decision.fault, outcome.dead_letters) == (None, [])
    assert {item.feature: item.value for item in decision.contributions}["person_home_ownership"] is None
    assert [flag.kind for flag in decision.flags] == [FlagKind.UNSEEN]


def test_a_decision_says_where_its_application_lies_and_what_made_it():
    values = [application_bytes(), application_bytes(application_id="a-2")]

    decision = read(score(*values, first_offset=40).decisions[1])

    assert (decision.source_topic, decision.source_partition, decision.source_offset) == ("loan.applications.v1", 0, 41)
    assert decision.source_schema_id == APPLICATION_SCHEMA_ID
    assert decision.scorecard_digest == "d" * 64
    assert decision.policy_version == POLICY.version
    assert decision.applied_at == APPLIED_AT


def test_what_can_be_read_but_not_scored_is_referred_and_set_aside():
    outcome = score(application_bytes(person_income=Decimal(0)))

    decision = read(outcome.decisions[0])
    letter = outcome.dead_letters[0]
    headers = dict(letter.headers)
    assert (decision.outcome, decision.fault, decision.probability) == (Outcome.REFER, "out_of_range", None)
    assert (headers["reason"], headers["field"]) == (b"out_of_range", b"person_income")
    assert letter.value == application_bytes(person_income=Decimal(0))


def test_what_cannot_be_read_is_set_aside_alone_with_its_bytes():
    outcome = score(b"rubbish", application_bytes(), None, keys=[b"x", b"y", None])

    assert [read(record).application_id for record in outcome.decisions] == ["a-1"]
    assert [(letter.key, letter.value) for letter in outcome.dead_letters] == [(b"x", b"rubbish"), (None, None)]
    assert outcome.refusals == ["not_framed", "tombstone"]
    headers = dict(outcome.dead_letters[0].headers)
    assert headers["__connect.errors.topic"] == b"loan.applications.v1"
    assert headers["__connect.errors.offset"] == b"0"


def test_dead_letters_may_only_say_where_the_bytes_lie():
    wire = a_wire(keep_bytes=False)

    letters = score_batch(a_batch(b"rubbish"), WRITERS, CHAMPION, POLICY, wire).dead_letters

    assert letters[0].value is None


def test_the_same_record_gives_the_same_bytes_again():
    value = application_bytes()

    assert score(value).decisions[0].value == score(value).decisions[0].value


def test_batching_does_not_change_a_decision():
    values = [
        application_bytes(application_id=f"a-{place}", loan_percent_income=place / 100) for place in range(15, 25)
    ]

    together = [record.value for record in score(*values).decisions]
    alone = [score(value, first_offset=place).decisions[0].value for place, value in enumerate(values)]

    assert together == alone


def test_an_application_sent_twice_has_one_decision_id():
    first, again = (read(record) for record in score(application_bytes(), application_bytes()).decisions)

    assert first.decision_id == again.decision_id
    assert first.source_offset != again.source_offset


def test_other_cut_offs_are_another_decision():
    assert decide().decision_id != decide(policy=Policy(0.1, 0.6)).decision_id


def test_a_decision_travels_as_a_cloud_event_and_passes_the_trace_on():
    trace = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    record = score(application_bytes(), headers=[(trace, ("other", b"x"))]).decisions[0]

    event = from_kafka_event(KafkaMessage(headers=dict(record.headers), key=record.key, value=record.value))

    assert event.get_id() == read(record).decision_id
    assert event.get_type() == "loan.v1.LoanDecision"
    assert trace in record.headers
    assert "other" not in dict(record.headers)


def test_a_decision_without_attributes_has_the_same_bytes_and_passes_the_trace_on():
    trace = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    bare = replace(a_wire(), writer=DecisionWriter("loan.decisions.v1", DECISION_SCHEMA_ID, RELEASE, cloudevents=False))
    batch = a_batch(application_bytes(), application_bytes(), headers=[(trace, ("other", b"x")), ()])

    made, usual = (score_batch(batch, WRITERS, CHAMPION, POLICY, wire).decisions for wire in (bare, a_wire()))

    assert [record.headers for record in made] == [(trace,), ()]
    assert [record[:3] for record in made] == [record[:3] for record in usual]


@pytest.mark.parametrize(
    "trace",
    [
        b"00-1-2-01",
        b"",
        None,
        b"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        b"00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
        b"00-00000000000000000000000000000000-b7ad6b7169203331-01",
        b"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n",
        b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 income=50000",
    ],
)
def test_what_is_no_trace_parent_is_not_passed_on(trace):
    record = score(application_bytes(), headers=[(("traceparent", trace),)]).decisions[0]

    assert "traceparent" not in dict(record.headers)


def test_of_two_trace_parents_none_is_passed_on():
    one = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    other = ("traceparent", b"00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")

    assert "traceparent" not in dict(score(application_bytes(), headers=[(one, other)]).decisions[0].headers)


def test_times_before_1970_are_read_as_they_are():
    decision = decide(applied_at=datetime(1969, 12, 31, tzinfo=UTC))

    assert decision.applied_at == datetime(1969, 12, 31, tzinfo=UTC)


def test_no_value_of_the_applicant_stands_in_a_dead_letters_headers():
    letter = score(application_bytes(person_income=Decimal("-77777.77"))).dead_letters[0]

    assert all(b"77777" not in (value or b"") for _, value in letter.headers)


def test_warming_leaves_nothing_to_compile():
    champion, wire = a_champion(), a_wire()
    kernels = (bulk_decoder._decode, encoder_kernels.write, lookup.add_lookups, lookup.row_blocks)

    warm(champion, champion.scorecard.policy, wire)

    compiled = [len(kernel.signatures) for kernel in kernels]
    for size in (1, 16, 80):
        score_batch(a_batch(*[application_bytes()] * size), WRITERS, champion, champion.scorecard.policy, wire)
    assert [len(kernel.signatures) for kernel in kernels] == compiled
