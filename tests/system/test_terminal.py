"""The terminal before a real worker, one stack for all: ask, decision, tail, score, verify, audit and replay."""

import json
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pandas as pd

from loanctl.console import FINDING
from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime.settings import Connection
from tests.system.ledger_stage import DecisionSource
from tests.system.processes import Processes
from tests.system.scorecards import Champions
from tests.system.topic_records import read_topic
from tests.system.workers import start_worker
from tests.unit.gateway.calls import a_body


def session(processes: Processes, *lines: str) -> list[Any]:
    """Status, output and faults of commands, one after another."""
    return [astuple(processes.loanctl(*line.split())) for line in lines]


def test_what_a_person_does_at_a_terminal(
    connection: Connection, processes: Processes, tmp_path: Path, champions: Champions, champion: RegisteredVersion
) -> None:
    other = champions.register(-1.0)
    start_worker(processes)
    # A decision by a scorecard that never was, on an application that never was: what an audit must find.
    DecisionSource(connection).publish([0], source_offset=1_000_000)
    (tmp_path / "one.json").write_text(json.dumps(a_body(application_id="mine", loan_amnt=15_000)))
    rows = [a_body(application_id=f"f-{n}", loan_amnt=5_000 + 500 * n) for n in range(30)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))

    asked, found, unknown, invalid, offline, through, again, tail, *audits, verified, unkept = session(
        processes,
        "ask one.json",
        "decision mine --json",
        "decision nobody",
        "ask rows.jsonl",
        "score rows.jsonl --out offline.csv --offline",
        "score rows.jsonl --out through.parquet",
        "score rows.jsonl --out through.parquet",
        "tail -n 100 --count 31",
        "audit mine --json",
        "audit a-0",
        "decisions verify --json",
        "replay --approve-below 0.01 --json",
        f"replay --version {other.version} --shadow --json",
        "verify --rows 150 --min-auc 0.5 --p99-ms 60000 --out verify.json",
        "verify --rows 50 --min-auc 1 --p99-ms 60000 --json",
    )

    assert asked[0] == 0, asked
    assert "DECLINE mine" in asked[1]
    assert "Income and amount of credit requested, taken together (INCOME_AND_AMOUNT)" in asked[1]
    assert json.loads(found[1])["application_id"] == "mine"
    assert (unknown[0], unknown[2].count("\n")) == (2, 1)
    assert invalid[0] == 2
    alone, sent = pd.read_csv(tmp_path / "offline.csv"), pd.read_parquet(tmp_path / "through.parquet")
    assert alone["application_id"].tolist() == sent["application_id"].tolist() == [f"f-{n}" for n in range(30)]
    assert alone["probability"].tolist() == sent["probability"].tolist()
    assert alone["outcome"].tolist() == sent["outcome"].tolist()
    assert json.loads((tmp_path / "through.parquet.done").read_text())["rows"] == 30
    assert (offline[0], through[0], again[0]) == (0, 0, 0)
    assert "is whole already" in again[2]
    assert len(tail[1].splitlines()) == 31
    assert verified[0] == 0, verified
    assert json.loads((tmp_path / "verify.json").read_text())["passed"] is True
    assert unkept[0] == 1
    assert [each["passed"] for each in json.loads(unkept[1])["checks"]] == [True, True, True, False]
    audited, forged, recomputed, stricter, shadowed = audits
    _check_audit(audited, forged, recomputed)
    _check_replay(stricter, shadowed, connection)


def _check_audit(audited: Any, forged: Any, recomputed: Any) -> None:
    facts = json.loads(audited[1])
    assert (audited[0], facts["recomputed"]["from"], facts["recomputed"]["same"]) == (0, "bytes", True)
    assert facts["application"]["fields"]["application_id"] == facts["decision"]["application_id"] == "mine"
    assert "not there" in facts["ledger_problem"]
    assert forged[0] == FINDING
    assert "DIFFERENT: scorecard changed" in forged[1]
    whole = json.loads(recomputed[1])
    assert (recomputed[0], whole["decisions"], whole["same"], whole["changed"]["scorecard"]) == (FINDING, 32, 31, 1)
    assert [finding["application_id"] for finding in whole["findings"]] == ["a-0"]


def _check_replay(stricter: Any, shadowed: Any, connection: Connection) -> None:
    by_policy, by_version = json.loads(stricter[1]), json.loads(shadowed[1])
    assert (stricter[0], by_policy["applications"], by_policy["compared"]) == (0, 31, 31)
    assert (by_policy["changed"]["policy"], by_policy["changed"]["code"]) == (31, 0)
    assert by_policy["outcomes"].get("APPROVE", 0) == 0
    assert (by_version["changed"]["scorecard"], by_version["shadow"]["published"]) == (31, 31)
    shadow = read_topic(connection, connection.topics().shadow_decisions.name)
    assert {dict(record.headers() or ())["ce_replay"].decode() for record in shadow} == {
        by_version["shadow"]["replay_id"]
    }
