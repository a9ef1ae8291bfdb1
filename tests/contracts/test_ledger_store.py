"""What is recorded is what was decided, once, on either database."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from ledger.ingest.chain import GENESIS
from ledger.ingest.store import Store
from ledger.ingest.table_rows import Item
from ledger.query import queries
from ledger.sql import ledger_tables
from ledger.sql.database import RowRefusedError
from schemas.events.decisions import Contribution, DataFlag, FlagKind, Outcome, Reason
from tests.decisions import a_decision
from tests.ledger_records import TOPICS, a_review, an_outcome, conclude, decide, record, records, review

ODD = "tab\t, newline\n, return\r, backslash \\, \\N, \\u0000, quote \" ' ; DROP TABLE decisions; -- é 日本 😀"


def count(database, table) -> int:
    with database.read_transaction() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_a_decision_comes_back_as_it_was_decided(database):
    decision = a_decision(
        "a-1",
        0.1 + 0.2,
        margin=-4.196752955290633,
        base_value=1e-300,
        contributions=(
            Contribution(feature="person_income", value=59_281.0, contribution=-0.27605121457511134),
            Contribution(feature="loan_intent", value="VENTURE", contribution=1e-17),
            Contribution(feature="loan_int_rate", value=None, contribution=0.5),
        ),
        reasons=(Reason(code="R1", text=ODD, features=("person_income",)),),
        flags=(DataFlag(feature="loan_int_rate", kind=FlagKind.MISSING),),
    )

    decide(database, decision, first_offset=41)

    with database.read_transaction() as connection:
        found = queries.decision(connection, "a-1")
        assert queries.decision(connection, "a-2") is None
    assert found is not None
    assert found.event == decision
    assert (found.topic, found.partition, found.offset) == ("loan.decisions.v1", 0, 41)
    assert found.recorded_at.timestamp() * 1000 == 1_772_366_400_000


def test_text_of_any_kind_is_kept_and_nul_becomes_its_symbol(database):
    decide(database, a_decision(ODD, None, fault="a\0b", policy_version=ODD))
    review(database, a_review(ODD, note=ODD + "\0", reviewer=""))

    with database.read_transaction() as connection:
        found = queries.decision(connection, ODD)
        (reviewed,) = queries.reviews_of(connection, ODD)
        seen = connection.execute(sa.text("SELECT text FROM decision_reasons")).all()
    assert found is not None
    assert (found.event.fault, found.event.policy_version) == ("a␀b", ODD)
    assert (reviewed.event.note, reviewed.event.reviewer) == (ODD + "␀", "")
    assert seen == []


def test_a_record_delivered_again_is_recorded_once(database):
    one, two, three = (a_decision(f"a-{number}", 0.1) for number in (1, 2, 3))

    decide(database, one, two)
    again = decide(database, one, two, three)

    assert (again.rows, again.known) == (1, 2)
    assert count(database, ledger_tables.decisions) == 3


def test_the_position_moves_with_the_rows_and_the_chain_goes_on(database):
    store = Store(database)
    decide(database, a_decision("a-1", 0.1))
    first = store.positions([TOPICS.decisions.name])[TOPICS.decisions.name, 0]
    decide(database, a_decision("a-2", 0.1), first_offset=7)
    second = store.positions([TOPICS.decisions.name])[TOPICS.decisions.name, 0]

    assert (first.next_offset, first.records) == (1, 1)
    assert (second.next_offset, second.records) == (8, 2)
    assert len({GENESIS, first.chain, second.chain}) == 3


def test_what_cannot_be_read_is_passed_over_and_counted(database):
    good = records(TOPICS.decisions.name, [a_decision("a-1", 0.1), a_decision("a-2", 0.1)])
    values = [good.values[0], None, b"", b"\0\0\0\0\x09junk", b"\0\0\0\0\x63" + good.values[0][5:], good.values[1]]
    batch = replace(
        good,
        values=values,
        keys=[None] * 6,
        partitions=[0] * 6,
        offsets=list(range(6)),
        timestamps=[1] * 6,
        headers=[()] * 6,
    )

    written = record(database, batch)

    assert written.rows == 2
    assert written.passed_over == {"tombstone": 1, "not_framed": 1, "undecodable": 1, "unknown_schema": 1}
    assert count(database, ledger_tables.passed_over) == 4
    assert Store(database).positions([batch.topic])[batch.topic, 0].passed_over == 4


def test_a_row_that_the_database_refuses_holds_nothing_up(database):
    batch = records(TOPICS.outcomes.name, [an_outcome(f"a-{number}") for number in range(5)])
    from tests.ledger_records import MAKERS, SCHEMA_ID  # the maker's own items, one of them spoilt

    maker = MAKERS[batch.topic]
    import fastavro

    from schemas.codec.event_codec import avro_schema
    from schemas.events.decisions import LoanOutcome

    items = list(maker.items(batch, {SCHEMA_ID: fastavro.parse_schema(dict(avro_schema(LoanOutcome)))}))
    items[3] = Item(0, 3, cells=(*items[3].cells[:4], None, *items[3].cells[5:]))

    written = Store(database).write(maker.table, batch.topic, items, {0: 5})

    assert (written.rows, written.passed_over) == (4, {"refused": 1})
    assert Store(database).positions([batch.topic])[batch.topic, 0].next_offset == 5


def test_nothing_is_recorded_of_a_batch_that_fails(database):
    with pytest.raises(RowRefusedError), database.write_transaction() as connection:
        connection.execute(sa.insert(ledger_tables.positions).values(topic="t", partition=0))

    assert count(database, ledger_tables.positions) == 0


def test_partitions_of_one_batch_have_their_own_chains(database):
    decisions = [a_decision(f"a-{number}", 0.1) for number in range(4)]
    mixed = replace(records(TOPICS.decisions.name, decisions), partitions=[0, 1, 0, 1], offsets=[0, 0, 1, 1])

    record(database, mixed)

    found = Store(database).positions([TOPICS.decisions.name])
    assert {place: each.records for place, each in found.items()} == {
        ("loan.decisions.v1", 0): 2,
        ("loan.decisions.v1", 1): 2,
    }


def test_outcomes_and_reviews_come_back(database):
    reviewed = a_review("a-1", Outcome.DECLINE, reason_codes=("R1", "R2"), second_reviewer="chief")
    ended = an_outcome("a-1", defaulted=True)

    review(database, reviewed)
    conclude(database, ended)

    with database.read_transaction() as connection:
        assert [each.event for each in queries.reviews_of(connection, "a-1")] == [reviewed]
        assert [each.event for each in queries.outcomes_of(connection, "a-1")] == [ended]
