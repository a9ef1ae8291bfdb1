"""Bad records meet the fate that they are labelled with, by the very reader and rules of the worker."""

from datetime import UTC, datetime, timedelta

import fastavro
import pytest

from loanctl.commands.simulation.play import synthetic_table
from loanctl.demo import bad_records
from loanctl.simulation import playback
from loanctl.simulation.playback import PlaybackCodec, Script
from schemas import applications
from schemas.applications import Fault
from schemas.codec import application_decoder as codec
from schemas.codec.wire_format import ForeignSchemaError
from schemas.contract import contract as contracts
from schemas.topics import topics_of

CREDIT_RISK = contracts.load("credit_risk")
WRITING = PlaybackCodec(
    contract=CREDIT_RISK, topics=topics_of(CREDIT_RISK), application_schema_id=7, outcome_schema_id=9
)
STRANGER_ID = 8
SCRIPT = Script(start=datetime(2026, 3, 1, tzinfo=UTC), spacing=timedelta(0))
GOOD = next(playback.records(synthetic_table(CREDIT_RISK, 1, seed=1), SCRIPT, CREDIT_RISK))
BAD = bad_records.bad_records(GOOD, WRITING, STRANGER_ID)
WRITERS = {
    7: fastavro.parse_schema(dict(CREDIT_RISK.schema)),
    STRANGER_ID: ForeignSchemaError,
}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.kind)
def test_each_is_refused_for_the_reason_it_is_labelled_with(bad):
    decoded = codec.ApplicationReader(CREDIT_RISK).read([bad.value], WRITERS)

    assert bad.decided is not bool(decoded.unreadable)
    if decoded.unreadable:
        assert decoded.unreadable[0].error.reason == bad.reason
    else:
        code = Fault(applications.faults(CREDIT_RISK, decoded.applications.values).codes[0])
        assert (None if code is Fault.NONE else code.reason) == bad.reason


def test_every_reason_of_the_worker_is_met():
    reasons = {bad.reason for bad in BAD} - {None}

    unreadable = {
        "tombstone",
        "not_framed",
        "unknown_schema",
        "foreign_schema",
        "undecodable",
        "nameless",
        "oversized",
    }
    # The demo registers its stranger elsewhere, so `incompatible_schema` is not met.
    # `missing` cannot be: this contract has no field that may be null and must be told.
    assert reasons == unreadable | {"not_finite", "out_of_range", "contradictory", "unknown_level"}


def test_no_two_share_a_key_or_an_id():
    records = bad_records.outgoing_records(BAD, "topic")

    assert len({record.key for record in records}) == len(BAD)
