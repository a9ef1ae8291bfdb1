"""A row that is changed, dropped or put in shows, in any table and on either database."""

import pytest
import sqlalchemy as sa

from ledger.audit.chain_verification import cell_of, verify
from ledger.ingest.chain import GENESIS, next_link, row_text
from ledger.query import queries
from ledger.sql.ledger_tables import decisions, positions
from schemas.events.decisions import Contribution, Outcome
from tests.decisions import a_decision, reasons
from tests.ledger_records import TOPICS, a_review, an_outcome, conclude, decide, review

PARTS = (
    Contribution(feature="income", value=0.1, contribution=-1e-17),
    Contribution(feature="é\t", value=None, contribution=5e300),
)


@pytest.fixture
def filled_database(database):
    decide(
        database, *(a_decision(f"a-{number}", 0.3, contributions=PARTS, reasons=reasons("R\\1")) for number in range(4))
    )
    decide(database, a_decision("b-1", None), first_offset=0, partition=1)
    review(database, a_review("a-1", Outcome.DECLINE, note="tab\t\nline"))
    conclude(database, an_outcome("a-1"), an_outcome("a-2", defaulted=True))
    return database


def breaks(database):
    return [(each.topic, each.partition, each.broken_at) for each in verify(database) if not each.whole]


def change(database, statement: str) -> None:
    with database.write_transaction() as connection:
        connection.exec_driver_sql(statement)


def test_what_nobody_touched_is_whole(filled_database):
    assert breaks(filled_database) == []
    assert sum(each.rows for each in verify(filled_database)) == 8


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE decisions SET outcome = 'APPROVE' WHERE application_id = 'a-2'", (TOPICS.decisions.name, 0, 2)),
        (
            "UPDATE decisions SET probability = 0.30000000000000004 WHERE record_partition = 0",
            (TOPICS.decisions.name, 0, 0),
        ),
        ("UPDATE decisions SET feature_values = '{}' WHERE application_id = 'a-1'", (TOPICS.decisions.name, 0, 1)),
        (
            "UPDATE decisions SET recorded_at = '2026-01-01 00:00:00.000' WHERE application_id = 'b-1'",
            (TOPICS.decisions.name, 1, 0),
        ),
        ("DELETE FROM decisions WHERE application_id = 'a-1'", (TOPICS.decisions.name, 0, 2)),
        ("DELETE FROM decisions WHERE application_id = 'a-3'", (TOPICS.decisions.name, 0, -1)),
        ("DELETE FROM decisions WHERE application_id = 'b-1'", (TOPICS.decisions.name, 1, -1)),
        ("UPDATE reviews SET note = 'tab' || note", (TOPICS.reviews.name, 0, 0)),
        ("UPDATE outcomes SET defaulted = NOT defaulted WHERE application_id = 'a-2'", (TOPICS.outcomes.name, 0, 1)),
        ("UPDATE outcomes SET record_offset = 7 WHERE application_id = 'a-2'", (TOPICS.outcomes.name, 0, -1)),
    ],
)
def test_what_was_touched_shows(filled_database, statement, place):
    change(filled_database, statement)

    assert breaks(filled_database) == [place]


def test_a_row_put_in_shows(filled_database):
    conclude(filled_database, an_outcome("a-3"), first_offset=5)
    change(
        filled_database,
        "INSERT INTO outcomes SELECT record_topic, record_partition, 3, recorded_at, 'x', defaulted, observed_at, chain"
        " FROM outcomes WHERE application_id = 'a-1'",
    )

    assert breaks(filled_database) == [(TOPICS.outcomes.name, 0, 3)]


def test_a_release_that_is_taken_out_of_a_row_shows(database):
    decide(database, a_decision("a-1", 0.3), a_decision("a-2", 0.3, code_version="1.2.3"))
    change(database, "UPDATE decisions SET code_version = NULL WHERE application_id = 'a-2'")

    assert breaks(database) == [(TOPICS.decisions.name, 0, 1)]


def test_rows_of_before_decisions_named_their_release_stay_whole(database):
    decide(database, a_decision("a-1", 0.3))
    # As the release before wrote it: its text ends with the schema's id.
    with database.write_transaction() as connection:
        row = connection.execute(sa.select(decisions)).one()
        link = next_link(GENESIS, row_text([cell_of(cell) for cell in row[:-2]]))
        connection.execute(decisions.update().values(code_version=None, chain=link))
        connection.execute(positions.update().values(chain=link))
    decide(database, a_decision("a-2", 0.3), first_offset=1)

    assert breaks(database) == []
    with database.read_transaction() as connection:
        assert queries.decision(connection, "a-1").event.code_version == ""
