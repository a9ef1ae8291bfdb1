"""What an operator has in hand: stories, the page, and a file judged as one window."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from loanctl.commands.drift import drift
from loanctl.commands.drift.profile import field_statistics
from loanctl.reports import drift_html
from loanctl.reports.lineage import Stories, stories
from loanctl.simulation import loan_tables, synthetic_population
from loanctl.simulation.synthetic_population import PopulationShift
from schemas.applications import UNSEEN
from schemas.events.retraining import RetrainStatus
from tests.builders import CONTRACT, some_values
from tests.drift_events import ANNOUNCEMENT, a_result
from tests.unit.drift.loans import a_look, some_performance
from tests.unit.drift.stream import Counter, a_reference, applicants, interleave, logs, monitor_rules, run_monitor

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def reports_and_commands():
    reference, values = a_reference(), some_values(2_400, seed=3)
    values[600:, CONTRACT.position["person_income"]] *= 2.0
    log = logs(applicants(values), 1, reference)[0]
    return run_monitor(interleave([Counter(0, log, 1, reference)], 1), monitor_rules(), [reference])


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    usual, richer = tmp_path / "usual.csv", tmp_path / "richer.csv"
    loan_tables.write_table(synthetic_population.applicants(3_000, 1), usual)
    loan_tables.write_table(synthetic_population.applicants(1_000, 2, PopulationShift(income_factor=1.6)), richer)
    return usual, richer


def test_a_window_meets_its_command_result_and_announcement_by_their_id(reports_and_commands):
    reports, commands = reports_and_commands
    name = commands[0].command_id
    results = [a_result(name, RetrainStatus.PROMOTED), a_result(name, RetrainStatus.DUPLICATE)]

    found = stories(reports, commands, results, [replace(ANNOUNCEMENT, command_id=name), ANNOUNCEMENT])
    commanding = next(story for story in found if story.command)

    assert len(found) == len(reports)
    assert commanding.report.command_id == name
    assert commanding.result is not None
    assert commanding.result.status is RetrainStatus.PROMOTED
    assert commanding.announcement is not None
    assert json.loads(json.dumps(commanding.plain(), default=str))["psi"]["person_income"] > 0.2


def test_the_history_is_one_table_of_whole_ids(reports_and_commands, monkeypatch):
    reports, commands = reports_and_commands
    name = commands[0].command_id
    shown = stories(
        reports, commands, [a_result(name, RetrainStatus.PROMOTED)], [replace(ANNOUNCEMENT, command_id=name)]
    )
    looks = stories(
        [a_look(some_performance(), command_id=name)], commands, [a_result(name, RetrainStatus.PROMOTED)], []
    )
    monkeypatch.setattr(drift, "lineages", lambda _: Stories(shown, looks))

    lines = CliRunner().invoke(drift.app, ["history"]).stdout.splitlines()
    plain = json.loads(CliRunner().invoke(drift.app, ["history", "--json"]).stdout)

    commanding, looked = (line for line in lines if name in line)
    assert ("DRIFTED" in commanding, "PROMOTED" in commanding, commanding.rstrip(" │").endswith("2")) == (True,) * 3
    assert sum("DRIFTED" in line or "STEADY" in line for line in lines) == len(reports)
    assert ("credit_risk:3:1" in looked, "PROMOTED" in looked) == (True, True)
    assert [each["kind"] for each in plain] == ["window"] * len(reports) + ["look"]
    assert plain[-1]["performance"]["observed"]["n"] == 1_000
    story = next(each for each in plain if each["command_id"] == name)
    assert {story[part]["command_id"] for part in ("command", "result", "announcement")} == {name}


def test_the_page_needs_nothing_from_elsewhere_and_escapes_what_it_shows(reports_and_commands):
    reports, commands = reports_and_commands
    odd = replace(reports[-1], champion_version="<b>2</b>")

    looks = stories([a_look(some_performance(), champion_version="<i>3</i>")], commands, [], [])
    page = drift_html.page(stories([*reports, odd], commands, [], []), None, looks)

    assert "<script" not in page
    assert "http" not in page
    assert "<b>2</b>" not in page
    assert "<i>3</i>" not in page
    assert "Outcomes of the champion" in page
    known, checks = sum(each.n > 0 for each in odd.features), 4
    assert page.count('class="multiple"') == known + checks
    # The heat map, a drawing for each series, and the bins of each field in the last window.
    assert page.count("<svg") == 1 + (known + checks) + len(odd.features)
    assert "▲" in page
    assert "color-scheme: light dark" in page
    assert commands[0].command_id in page


def read_json(text: str) -> Any:
    return json.loads(text)


def test_a_report_is_of_any_window_by_its_id_in_figures_and_as_json(reports_and_commands, monkeypatch):
    reports, commands = reports_and_commands
    monkeypatch.setattr(drift, "lineages", lambda _: Stories(stories(reports, commands, [], []), []))
    runner, second = CliRunner(), reports[1].window_id

    shown = runner.invoke(drift.app, ["report", second])
    plain = read_json(runner.invoke(drift.app, ["report", second, "--json"]).stdout)
    latest = read_json(runner.invoke(drift.app, ["report", "--json", "--last", "2"]).stdout)
    unknown = runner.invoke(drift.app, ["report", "nowhere"])

    assert "▲ " in shown.stdout
    assert "share: of the drift" in shown.stdout
    assert plain["report"]["window_id"] == second
    assert [each["window_id"] for each in plain["windows"]] == [second, reports[0].window_id]
    assert plain["ranking"][0]["feature"] == "person_income"
    assert plain["ranking"][0]["over"] is True
    assert [len(each["points"]) for each in latest["series"]] == [2] * len(latest["series"])
    assert latest["report"]["window_id"] == reports[-1].window_id
    assert isinstance(unknown.exception, drift.NoReportError)
    assert "nowhere" in str(unknown.exception)


def test_a_file_that_has_drifted_fails_the_pipeline_and_one_that_has_not_passes(files):
    usual, richer = files
    runner = CliRunner()

    moved = runner.invoke(drift.app, ["check", "--file", str(richer), "--against", str(usual), "--json"])
    same = runner.invoke(drift.app, ["check", "--file", str(usual), "--against", str(usual)])

    assert moved.exit_code == 3
    assert json.loads(moved.stdout)["largest_psi_feature"] == "person_income"
    assert same.exit_code == 0
    assert "STEADY" in same.stdout


def test_a_description_counts_what_is_missing_invalid_and_unseen():
    values = some_values(100)
    values[:3, CONTRACT.position["person_income"]] = -1.0
    values[:2, CONTRACT.position["loan_intent"]] = UNSEEN

    fields = field_statistics(values, CONTRACT)["fields"]

    assert fields["person_income"]["invalid"] == 3
    assert fields["person_income"]["n"] == 97
    assert fields["loan_intent"]["unseen"] == 2
    assert sum(fields["loan_intent"]["levels"].values()) == 98
    assert fields["loan_grade"] == {
        "n": 0,
        "missing": 100,
        "invalid": 0,
        "unseen": 0,
        "levels": dict.fromkeys("ABCDEFG", 0),
    }
