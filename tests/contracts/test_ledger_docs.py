"""The queries of docs/ledger.md run on both databases, and find what they ask for."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from ledger.sql import ledger_tables
from ledger.sql.views import VIEWS
from schemas.events.decisions import Contribution, Outcome
from tests.decisions import APPLIED_AT, a_decision, reasons
from tests.ledger_records import TOPICS, a_review, an_outcome, conclude, decide, record, records, review

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "ledger.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?);?\n```", PAGE, re.DOTALL)
TIMES = 10
"""The same applicant: of fewer than ten no mean is told."""


def parts(intent: str) -> tuple[Contribution, ...]:
    return (
        Contribution(feature="loan_intent", value=intent, contribution=0.1),
        Contribution(feature="person_income", value=50_000.0, contribution=-0.4),
    )


@pytest.fixture
def filled_database(database):
    more = ["", *(f"-{number}" for number in range(1, TIMES))]
    decide(
        database,
        *(a_decision(f"a-1{one}", 0.1, contributions=parts("MEDICAL")) for one in more),
        *(a_decision(f"a-2{one}", 0.3, contributions=parts("MEDICAL"), reasons=reasons("R1")) for one in more),
        *(a_decision(f"a-3{one}", 0.8, contributions=parts("VENTURE"), reasons=reasons("R2", "R1")) for one in more),
        a_decision("a-4", 0.3, contributions=parts("VENTURE"), applied_at=APPLIED_AT + timedelta(days=1)),
    )
    review(database, *(a_review(f"a-2{one}", Outcome.APPROVE) for one in more))
    conclude(
        database,
        *(an_outcome(f"a-1{one}") for one in more),
        *(an_outcome(f"a-2{one}", defaulted=True) for one in more),
    )
    tombstone = records(TOPICS.decisions.name, [a_decision("a-5", 0.1)], first_offset=3 * TIMES + 1)
    record(
        database,
        type(tombstone)(**{**{name: getattr(tombstone, name) for name in tombstone.__slots__}, "values": [None]}),
    )
    return database


def answers(database, query: str):
    with database.read_transaction() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_there_are_ten_and_each_finds_something(filled_database):
    assert len(QUERIES) == 10
    assert [query for query in QUERIES if not answers(filled_database, query)] == []


def test_they_say_what_is_true(filled_database):
    found = [answers(filled_database, query) for query in QUERIES]

    assert [row[1] for row in found[0]] == ["R2", "R1"]
    assert [row[0] for row in found[1]] == ["person_income", "loan_intent"]
    assert found[2][0][:3] == ("REFER", "APPROVE", "officer")
    assert [(str(row[0]), row[2], row[3] and float(row[3])) for row in found[3]] == [
        ("2026-03-01", 3 * TIMES, pytest.approx(2 / 3)),
        ("2026-03-02", 1, None),
    ]
    assert [tuple(row[:3]) for row in found[4]] == [
        ("VENTURE", 0, TIMES + 1),
        ("MEDICAL", 2 * TIMES, 2 * TIMES),
    ]
    assert {row[0]: (row[2], row[3]) for row in found[5]} == {"R2": (TIMES, TIMES), "R1": (TIMES, 2 * TIMES)}
    assert [tuple(map(int, row[1:])) for row in found[6]] == [(TIMES, 0, 0)]
    assert float(found[7][0][2]) == 0.5
    assert [row[0] for row in found[8]] == ["a-4"]
    assert found[9] == [("loan.decisions.v1", "tombstone", 1)]


def test_the_page_names_every_table_and_view():
    assert [name for name in (*ledger_tables.metadata.tables, *VIEWS) if f"`{name}`" not in PAGE] == []
