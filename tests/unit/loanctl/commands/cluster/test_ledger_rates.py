"""`loanctl ledger rates` over a ledger in SQLite."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from loanctl import cli
from schemas.events.decisions import Outcome
from tests.decisions import APPLIED_AT, a_decision
from tests.ledger_databases import sqlite_ledger
from tests.ledger_records import a_review, an_outcome, conclude, decide, review

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command's output, over ten applications of a day and one of the next."""
    database = sqlite_ledger(tmp_path)
    url = str(database.engine.url)
    later = a_decision("b-1", 0.7, applied_at=APPLIED_AT + timedelta(days=1), scorecard_version="2")
    decide(database, *(a_decision(f"a-{number}", 0.1 if number % 2 else 0.3) for number in range(10)), later)
    review(database, *(a_review(f"a-{number}", Outcome.DECLINE) for number in range(10)))
    conclude(database, *(an_outcome(f"a-{number}", defaulted=number < 4) for number in range(10)))
    database.close()
    monkeypatch.setenv("LOAN_LEDGER_URL", url)

    def output_of(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            cli.main(["ledger", "rates", *arguments])
        assert not ended.value.code
        return capsys.readouterr().out

    return output_of


def test_the_three_rates_are_told(run: Run) -> None:
    found = json.loads(run("--json"))

    assert found["approval"] == {
        "rate": 0.0,
        "decisions": 11,
        "approved": 0,
        "referred": 0,
        "declined": 11,
        "automatic": 5,
    }
    # Five were approved by the scorecard, five leant to approval, and all ten were declined by a person.
    assert (found["override"]["rate"], found["override"]["overridden"], found["override"]["against_score"]) == (1, 5, 5)
    assert (found["default"]["rate"], found["default"]["loans"]) == (pytest.approx(0.4), 10)
    assert found["default"]["stated"] == pytest.approx(0.2)


def test_people_read_counts_and_percentages(run: Run) -> None:
    table = run()

    assert "100.0%" in table
    assert "40.0%" in table
    assert "10 reviewed, 0 approved, 10 declined, 5 overridden, 5 against score" in table


def test_of_few_no_rate_is_told_and_a_span_ends_before_its_last_day(run: Run) -> None:
    next_day = (APPLIED_AT + timedelta(days=1)).date().isoformat()

    later, earlier = json.loads(run("--json", "--since", next_day)), json.loads(run("--json", "--until", next_day))
    second = json.loads(run("--json", "--scorecard-version", "2"))

    assert (later["approval"]["rate"], later["approval"]["decisions"]) == (None, 1)
    assert earlier["approval"]["decisions"] == 10
    assert second == later
