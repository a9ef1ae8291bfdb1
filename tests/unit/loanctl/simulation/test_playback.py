"""Playing: the same table and script give the same records, which the worker's reader reads back."""

import io
from datetime import UTC, datetime, timedelta

import fastavro
import pytest

from loanctl.commands.simulation.play import synthetic_table
from loanctl.simulation import loan_tables, playback
from loanctl.simulation.playback import PlaybackCodec, Script
from schemas.codec.application_decoder import ApplicationReader
from schemas.codec.event_codec import avro_schema, from_record
from schemas.codec.wire_format import unframe
from schemas.contract import contract as contracts
from schemas.events.decisions import LoanOutcome
from schemas.topics import topics_of

CREDIT_RISK = contracts.load("credit_risk")
WRITING = PlaybackCodec(
    contract=CREDIT_RISK, topics=topics_of(CREDIT_RISK), application_schema_id=7, outcome_schema_id=9
)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTELY = Script(start=NOON, spacing=timedelta(minutes=1))
SHUFFLED = Script(start=NOON, spacing=timedelta(minutes=1), shuffle_seed=5)


class Publisher:
    def __init__(self):
        self.sent = []
        self.blocks = 0

    def send(self, records):
        before = len(self.sent)
        self.sent.extend(records)
        self.blocks += 1
        return len(self.sent) - before


def read(records):
    writer = {7: fastavro.parse_schema(dict(CREDIT_RISK.schema))}
    return ApplicationReader(CREDIT_RISK).read([record.value for record in records], writer)


def test_what_is_played_is_what_the_worker_reads():
    table = synthetic_table(CREDIT_RISK, rows=50, seed=1)

    decoded = read(list(playback.applications(table, MINUTELY, WRITING)))

    assert not decoded.unreadable
    incomes = decoded.applications.values[:, CREDIT_RISK.position["person_income"]]
    assert incomes.tolist() == table.rows["person_income"].tolist()


def test_the_key_is_the_application_id_and_the_topic_that_of_applications():
    table = synthetic_table(CREDIT_RISK, rows=3, seed=1)

    records = list(playback.applications(table, MINUTELY, WRITING))

    assert [record.key for record in records] == [b"made-up-1-3-0", b"made-up-1-3-1", b"made-up-1-3-2"]
    assert {record.topic for record in records} == {"loan.applications.v1"}


def test_event_times_follow_the_script():
    table = synthetic_table(CREDIT_RISK, rows=3, seed=1)

    applied_at = read(list(playback.applications(table, MINUTELY, WRITING))).applications.applied_at

    noon = int(NOON.timestamp() * 1000)
    assert applied_at.tolist() == [noon, noon + 60_000, noon + 120_000]


def test_a_shuffle_changes_the_order_and_no_identity():
    table = synthetic_table(CREDIT_RISK, rows=40, seed=1)

    straight = [record.key for record in playback.applications(table, MINUTELY, WRITING)]
    shuffled = [record.key for record in playback.applications(table, SHUFFLED, WRITING)]

    assert shuffled != straight
    assert sorted(shuffled) == sorted(straight)
    assert shuffled == [record.key for record in playback.applications(table, SHUFFLED, WRITING)]


def test_each_outcome_is_that_of_the_application_beside_it():
    table = synthetic_table(CREDIT_RISK, rows=40, seed=1)
    labels = dict(zip((f"made-up-1-40-{row}" for row in range(40)), table.rows["loan_status"], strict=True))

    schema = fastavro.parse_schema(dict(avro_schema(LoanOutcome)))
    for record in playback.outcomes(table, SHUFFLED, WRITING):
        schema_id, body = unframe(record.value)
        outcome = from_record(LoanOutcome, fastavro.schemaless_reader(io.BytesIO(body), schema, None))
        assert schema_id == 9
        assert record.key == outcome.application_id.encode()
        assert outcome.defaulted == bool(labels[outcome.application_id])


def test_applications_and_outcomes_are_sent_side_by_side():
    table, publisher = synthetic_table(CREDIT_RISK, rows=4, seed=1), Publisher()
    parts = [playback.applications(table, SHUFFLED, WRITING), playback.outcomes(table, SHUFFLED, WRITING)]

    played = playback.play(parts, publisher, rate=None)

    assert (played.applications, played.outcomes) == (4, 4)
    assert [record.topic for record in publisher.sent] == ["loan.applications.v1", "loan.outcomes.v1"] * 4
    assert [record.key for record in publisher.sent[::2]] == [record.key for record in publisher.sent[1::2]]


def test_a_rate_is_kept_to():
    table, publisher = synthetic_table(CREDIT_RISK, rows=60, seed=1), Publisher()

    played = playback.play([playback.applications(table, MINUTELY, WRITING)], publisher, rate=200.0)

    assert len(publisher.sent) == 60
    assert 0.29 <= played.seconds < 2.0  # a busy machine is late, never early
    assert publisher.blocks > 5


def test_progress_is_told_after_every_block(monkeypatch):
    monkeypatch.setattr(playback, "BLOCK", 4)
    table, told = synthetic_table(CREDIT_RISK, rows=10, seed=1), []

    playback.play([playback.applications(table, MINUTELY, WRITING)], Publisher(), None, told.append)

    assert told == [4, 8, 10]


def test_another_product_is_played_without_code(shared_folder, tmp_path):
    """LendingClub's file plays by its own contract, where one is packaged."""
    try:
        contract = contracts.load("lending_club")
    except contracts.ContractError:
        pytest.skip("lending_club is not packaged yet")
    table = loan_tables.read(shared_folder / "data" / "lending_club" / "lending_club.csv", contract)
    writing = PlaybackCodec(contract=contract, topics=topics_of(contract), application_schema_id=7, outcome_schema_id=9)

    assert sum(1 for _ in playback.applications(table, MINUTELY, writing)) == len(table)


def test_only_granted_loans_have_an_outcome():
    table = synthetic_table(CREDIT_RISK, rows=4, seed=1)
    granted = {playback.application_id(table, 1), playback.application_id(table, 3)}

    told = [record is not None for record in playback.outcomes(table, MINUTELY, WRITING, granted)]

    assert told == [False, True, False, True]


def test_a_loan_is_mature_when_the_performance_window_has_passed():
    table = synthetic_table(CREDIT_RISK, rows=4, seed=1)
    daily = Script(start=NOON, spacing=timedelta(days=1))

    assert playback.mature_ids(table, daily, 90, NOON + timedelta(days=91)) == {
        playback.application_id(table, row) for row in (0, 1)
    }
    assert len(playback.mature_ids(table, daily, 0, NOON)) == 4
