"""`loanctl audit ID` over topics in memory and a ledger: all that a decision was made of, and if it is that still."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ledger.sql.database import Database
from loanctl.audit import decision_audit as module
from loanctl.commands.decisions import audit
from loanctl.console import FINDING
from schemas.release import code_version
from scorecard.decisions.reproduction import own_decision
from scorecard.registry.registered_version import RegisteredVersion
from streams.kafka.topics.topic_reader import batch_of
from streams.worker.settings import ScoringSettings
from tests.builders import application_bytes
from tests.ledger_databases import sqlite_ledger
from tests.ledger_records import record
from tests.unit.loanctl.audit.topics import SCHEMAS, TOPICS, Topics, Writers

CHAMPION = RegisteredVersion("credit_risk-scorecard", "2", "e" * 64, "xgboost", "")


class Registry:
    def champion(self) -> RegisteredVersion:
        return CHAMPION


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """With its tables, and nothing in them."""
    database = sqlite_ledger(tmp_path)
    monkeypatch.setenv("LOAN_LEDGER_URL", str(database.engine.url))
    return database


@pytest.fixture(autouse=True)
def _registry(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScoringSettings, "model_registry", lambda _self: Registry())
    monkeypatch.setattr(module, "WriterSchemas", Writers)
    monkeypatch.setattr(ScoringSettings, "registry", lambda _self: None)


def facts(*arguments: str) -> tuple[int, Any]:
    ran = CliRunner().invoke(audit.app, [*arguments, "--json"])
    return ran.exit_code, json.loads(ran.output)


def into_ledger(ledger: Database, topics: Topics) -> None:
    name = TOPICS.decisions.name
    record(ledger, batch_of(name, topics.records[name][0]), SCHEMAS)


def test_an_audit_names_all_that_a_decision_was_made_of(topics: Topics, ledger: Database) -> None:
    topics.decide(topics.apply("a-1", "a-2", loan_percent_income=0.3))
    into_ledger(ledger, topics)

    status, found = facts("a-2")

    recorded = own_decision(topics.records[TOPICS.decisions.name][0][1].value)
    assert status == 0
    assert found["recomputed"] == {"same": True, "from": "bytes", "changed": [], "fields": [], "problem": ""}
    assert found["decision"]["decision_id"] == recorded["decision_id"]
    assert [reason["code"] for reason in found["decision"]["reasons"]] == [each["code"] for each in recorded["reasons"]]
    place = found["application"]
    assert (place["topic"], place["partition"], place["offset"]) == (TOPICS.applications.name, 0, 1)
    assert found["application"]["fields"]["application_id"] == "a-2"
    assert found["record"]["offset"] == 1
    assert found["scorecard"] == {
        "name": "credit_risk-scorecard",
        "version": "1",
        "digest": "d" * 64,
        "family": "xgboost",
        "champion_now": "2",
        "still_champion": False,
    }
    assert (found["policy"]["approve_below"], found["policy"]["decline_from"]) == (0.2, 0.6)
    assert found["reference_id"] == recorded["reference_id"]
    assert found["code"] == {"decided_by": "0.0.9", "computed_by": code_version()}
    assert [each["offset"] for each in found["ledger"]["decisions"]] == [1]
    assert found["ledger"]["differs"] == []


def test_for_people_it_is_the_same_in_words(topics: Topics, ledger: Database) -> None:
    topics.decide(topics.apply("a-1", loan_percent_income=0.3, loan_amnt=Decimal(15_000)))

    ran = CliRunner().invoke(audit.app, ["a-1"])

    assert ran.exit_code == 0
    for word in ("DECLINE", "loan.applications.v1-0@0", "d" * 64, "the champion now is 2", "the same bytes", "SHA-256"):
        assert word in ran.output
    assert "knows nothing of it" in ran.output


def test_without_a_ledger_the_topics_answer(topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOAN_LEDGER_URL", f"sqlite:///{tmp_path / 'ledger.db'}")
    topics.decide(topics.apply("a-1"))

    status, found = facts("a-1")

    assert (status, found["recomputed"]["same"], found["ledger"]) == (0, True, None)
    assert "not there" in found["ledger_problem"]
    assert list(tmp_path.iterdir()) == []


def test_an_application_that_was_altered_is_a_finding(topics: Topics, ledger: Database) -> None:
    topics.decide(topics.apply("a-1"))
    topics.replace(TOPICS.applications.name, 0, application_bytes(application_id="a-1", loan_percent_income=0.11))

    status, found = facts("a-1")

    assert (status, found["recomputed"]["changed"]) == (FINDING, ["bytes"])
    assert "DIFFERENT: bytes changed" in CliRunner().invoke(audit.app, ["a-1"]).output


def test_where_the_application_is_gone_the_values_answer(topics: Topics, ledger: Database) -> None:
    topics.decide(topics.apply("a-1", "a-2"))
    topics.lose(TOPICS.applications.name, 1)

    status, found = facts("a-1")

    assert (status, found["application"]["gone"], found["application"]["fields"]) == (0, True, None)
    assert (found["recomputed"]["same"], found["recomputed"]["from"]) == (True, "values")
    assert "the same values" in CliRunner().invoke(audit.app, ["a-1"]).output


def test_where_the_decision_is_gone_too_the_ledger_stands_in(topics: Topics, ledger: Database) -> None:
    topics.decide(topics.apply("a-1", "a-2", loan_percent_income=0.3, person_home_ownership="RENT"))
    into_ledger(ledger, topics)
    topics.lose(TOPICS.decisions.name, 1)

    status, found = facts("a-1")

    assert (status, found["record"]["gone"], found["record"]["offset"]) == (0, True, 0)
    assert found["recomputed"] == {"same": True, "from": "bytes", "changed": [], "fields": [], "problem": ""}
    assert "the same values, from the application's bytes" in CliRunner().invoke(audit.app, ["a-1"]).output


def test_a_ledger_that_was_altered_is_a_finding(topics: Topics, ledger: Database) -> None:
    topics.decide(topics.apply("a-1"))
    into_ledger(ledger, topics)
    with ledger.write_transaction() as connection:
        connection.exec_driver_sql("UPDATE decisions SET probability = 0.001")

    status, found = facts("a-1")

    assert (status, found["recomputed"]["same"], found["ledger"]["differs"]) == (FINDING, True, ["probability"])
    assert "DIFFERENT from the topic in probability" in CliRunner().invoke(audit.app, ["a-1"]).output
