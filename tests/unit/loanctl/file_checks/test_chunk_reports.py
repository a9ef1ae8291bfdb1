"""Files judged as windows, with score and performance, without Kafka."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from drift.settings import DriftSettings
from drift.windows.window_grid import Calendar
from loanctl.commands.drift import drift
from loanctl.file_checks import chunk_reports
from loanctl.file_checks.chunk_reports import BAD_DATA, DRIFTED, FileReference, exit_status
from loanctl.file_checks.chunks import ChunkRule
from loanctl.file_checks.file_scores import file_scores
from loanctl.file_checks.file_scoring import performance_summary, scored_reference
from loanctl.reports.file_check import by_file, matrix
from loanctl.simulation import loan_tables, synthetic_population
from scorecard import bundle
from scorecard.policy import APPROVE
from tests.builders import CONTRACT, scorecard_parts, some_values

ROWS = 1_500
RUNNER = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, and files: usual, without an optional column, richer from the middle on, and bad."""
    place = tmp_path_factory.mktemp("files")
    bundle.write(scorecard_parts(), CONTRACT, some_values(bundle.EXPECTED_ROWS), place / "bundle")
    usual = synthetic_population.applicants(ROWS, 1)
    usual["signed"] = [f"2026-03-{1 + row // 500:02d}T08:00:00Z" for row in range(ROWS)]
    richer = usual.copy()
    richer.loc[500:, "person_income"] *= 2.0
    bad = usual.copy()
    bad.loc[:300, "person_emp_length"] = None
    for name, rows in {
        "usual": usual,
        "without": usual.drop(columns="person_emp_length"),
        "richer": richer,
        "bad": bad,
        "few": usual.head(100),
    }.items():
        loan_tables.write_table(rows, place / f"{name}.csv")
    (place / "broken.csv").write_text("person_income\nmany\n", encoding="utf-8")
    return place


def check(folder: Path, name: str, *options: str) -> Any:
    against = () if "--scorecard" in options else ("--against", str(folder / "usual.csv"))
    return RUNNER.invoke(drift.app, ["check", "--file", str(folder / f"{name}.csv"), *against, *options])


@pytest.mark.parametrize(
    ("name", "status"), [("usual", 0), ("richer", 3), ("few", 4), ("bad", 5), ("without", 5), ("broken", 5)]
)
def test_drifted_too_few_and_bad_data_have_exit_statuses_of_their_own(folder: Path, name: str, status: int) -> None:
    found = check(folder, name)

    assert found.exit_code == status, found.output


def test_files_are_compared_by_computed_ratios_however_one_of_them_rounds_them(folder: Path) -> None:
    exact = synthetic_population.applicants(ROWS, 1)
    exact["loan_percent_income"] = exact["loan_amnt"] / exact["person_income"]
    rounded = exact.assign(loan_percent_income=exact["loan_percent_income"].round(1))
    settings = DriftSettings.read()
    compared = FileReference(reference=by_file(loan_tables.Table("exact", "d", exact), settings))
    table = loan_tables.Table("rounded", "d", rounded)

    [report] = chunk_reports.chunk_reports(table, compared, ChunkRule(), settings)

    assert {each.feature: each.psi for each in report.report.features}["loan_percent_income"] == 0.0


def test_days_with_far_fewer_or_more_rows_than_the_same_hours_of_the_reference_are_said_to(
    folder: Path, tmp_path: Path
) -> None:
    usual = synthetic_population.applicants(ROWS, 1)
    usual["signed"] = [f"2026-03-{1 + row // 500:02d}T08:00:00Z" for row in range(ROWS)]
    next_week = synthetic_population.applicants(ROWS, 2)
    days = np.repeat([8, 9, 10], [460, 100, 940])
    next_week["signed"] = [f"2026-03-{day:02d}T08:30:00Z" for day in days]
    for name, rows in (("usual", usual), ("next", next_week)):
        loan_tables.write_table(rows, tmp_path / f"{name}.csv")

    options = ("--by", "day", "--time-column", "signed")
    found = check(tmp_path, "next", *options, "--json")
    reports = [json.loads(line) for line in found.stdout.splitlines()]

    assert [report["expected_rows"] for report in reports] == [500.0] * 3
    assert [[alarm["kind"] for alarm in report["alarms"]] for report in reports] == [[], ["FEW"], []]
    assert found.exit_code == BAD_DATA
    assert "few: 20.0%, limit 50.0%" in check(tmp_path, "next", *options).stdout
    assert check(tmp_path, "usual", *options).exit_code == 0


def test_a_month_far_from_the_rows_that_an_operator_expects_is_said_to_be_and_a_batch_has_no_time(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOAN_WINDOW_ROWS", str(ROWS // 3))
    rows = synthetic_population.applicants(ROWS, 1)
    rows["signed"] = "2026-03-01T08:00:00Z"
    loan_tables.write_table(rows, tmp_path / "usual.csv")

    [many] = json.loads(check(tmp_path, "usual", "--by", "month", "--time-column", "signed", "--json").stdout)["alarms"]

    assert (many["kind"], many["share"], many["limit"]) == ("MANY", 3.0, 2.0)
    assert json.loads(check(folder, "usual", "--json").stdout)["alarms"] == []


def test_a_reference_shorter_than_a_week_expects_nothing_of_days_that_it_has_not(tmp_path: Path) -> None:
    usual, longer = synthetic_population.applicants(ROWS, 1), synthetic_population.applicants(ROWS, 2)
    usual["signed"] = "2026-03-02T08:00:00Z"
    longer["signed"] = [f"2026-03-{2 + row % 7:02d}T08:00:00Z" for row in range(ROWS)]
    for name, rows in (("usual", usual), ("longer", longer)):
        loan_tables.write_table(rows, tmp_path / f"{name}.csv")

    [week] = map(
        json.loads,
        check(tmp_path, "longer", "--by", "week", "--time-column", "signed", "--json").stdout.splitlines(),
    )

    assert (week["expected_rows"], week["alarms"]) == (0.0, [])


def test_a_fault_of_the_set_up_is_none_of_them(folder: Path) -> None:
    found = check(folder, "usual", "--chunks", "2", "--chunk-rows", "10")

    assert type(found.exception).__name__ == "ChunkError"  # `loanctl` says it in a line, with status 2


def test_a_file_without_an_optional_column_is_profiled_and_said_to_miss_it(folder: Path) -> None:
    found = check(folder, "without", "--json")

    report = json.loads(found.stdout)
    [alarm] = report["data_quality"]
    assert (alarm["feature"], alarm["kind"], alarm["share"]) == ("person_emp_length", "MISSING", 1.0)


def test_a_file_drifts_from_the_day_on_that_it_drifted(folder: Path) -> None:
    options = ("--by", "day", "--time-column", "signed", "--json")
    found = check(folder, "richer", *options)

    parts = [json.loads(line) for line in found.stdout.splitlines()]
    assert [part["verdict"] for part in parts] == ["STEADY", "DRIFTED", "DRIFTED"]
    assert [part["window_start"][:10] for part in parts] == ["2026-03-01", "2026-03-02", "2026-03-03"]
    assert {part["n"] for part in parts} == {500}
    assert found.exit_code == 3


def test_score_and_performance_come_from_the_files_alone(folder: Path) -> None:
    page = folder / "page.html"
    options = ("--scorecard", str(folder / "bundle"), "--json", "--html", str(page))
    found = check(folder, "usual", *options, "--against", str(folder / "usual.csv"))

    [part] = [json.loads(line) for line in found.stdout.splitlines()]
    table = loan_tables.read(folder / "usual.csv", CONTRACT)
    scorecard = bundle.read(folder / "bundle", CONTRACT)
    scores = file_scores(matrix(table, CONTRACT), scorecard, CONTRACT, scorecard.policy)
    labels = loan_tables.default_flags(table, CONTRACT)
    assert found.exit_code == 0
    assert part["decisions"]["score"]["psi"] == 0.0
    assert part["decisions"]["approval_rate"] == pytest.approx(np.mean(scores.outcomes == APPROVE))
    assert part["decisions"]["estimated_default_rate"] == pytest.approx(np.nanmean(scores.probability), abs=1e-6)
    performance = part["performance"]
    assert performance["estimated"]["default_rate"]["value"] == pytest.approx(np.nanmean(scores.probability))
    assert performance["observed"]["defaults"] == sum(map(bool, labels))
    assert "<h2>Performance</h2>" in page.read_text(encoding="utf-8")


def test_a_file_without_times_is_shown_by_its_rows_and_its_outcomes_are_not_final(folder: Path) -> None:
    page = folder / "rows.html"
    options = ("--scorecard", str(folder / "bundle"), "--chunks", "3", "--html", str(page))
    shown = check(folder, "usual", *options).stdout
    found = [json.loads(line) for line in check(folder, "usual", *options, "--json").stdout.splitlines()]

    drawn = page.read_text(encoding="utf-8")
    assert not re.search(r"1970|01-01", shown + drawn)
    assert ">row 500</text>" in drawn
    assert all(f"rows {rows}" in shown for rows in ("1 to 500", "501 to 1,000", "1,001 to 1,500"))
    assert "<dt>Rows</dt>" in drawn
    assert "so far" in shown
    assert [part["rows"] for part in found] == [[1, 500], [501, 1_000], [1_001, 1_500]]
    assert {part["window_start"] for part in found} == {None}


@pytest.mark.parametrize(("days", "finals"), [(364, [False] * 3), (366, [True, False, False]), (368, [True] * 3)])
def test_performance_is_final_when_the_window_has_ended_for_every_row(
    folder: Path, days: int, finals: list[bool]
) -> None:
    settings = DriftSettings()
    table = loan_tables.read(folder / "usual.csv", CONTRACT)
    compared = scored_reference(None, folder / "bundle", settings)
    rule = ChunkRule(calendar=Calendar.DAY)
    found = chunk_reports.chunk_reports(table, compared, rule, settings, "signed")

    summary = performance_summary(found, datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=days))

    assert [each.final for each in summary.performances] == finals


@pytest.mark.slow
def test_two_files_are_compared_without_what_takes_a_second_to_import(folder: Path) -> None:
    files = ("--file", str(folder / "richer.csv"), "--against", str(folder / "usual.csv"))
    command = [sys.executable, "-X", "importtime", "-m", "loanctl", "drift", "check", *files]

    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    imported = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}
    assert ran.returncode == DRIFTED
    assert "drift.detection.drift_report" in imported
    assert not imported & {"scipy.stats", "numba", "mlflow", "matplotlib", "confluent_kafka.cimpl"}


def test_who_cannot_be_scored_is_referred_and_has_no_score(folder: Path) -> None:
    values = some_values(50, seed=3)
    values[:5, CONTRACT.position["person_income"]] = -1.0
    scorecard = bundle.read(folder / "bundle", CONTRACT)

    scores = file_scores(values, scorecard, CONTRACT, scorecard.policy)

    assert np.isnan(scores.probability).tolist() == [True] * 5 + [False] * 45
    assert set(scores.outcomes[:5].tolist()).isdisjoint({APPROVE})
    assert scores.probability[5:] == pytest.approx(scorecard.score(values[5:]).probability)


def test_the_worst_part_gives_the_status_and_a_short_rest_hides_nothing(folder: Path) -> None:
    settings = DriftSettings()
    usual = loan_tables.read(folder / "usual.csv", CONTRACT)
    against = FileReference(reference=by_file(usual, settings))

    parts = [each.report for each in chunk_reports.chunk_reports(usual, against, ChunkRule(rows=700), settings)]

    assert [part.n for part in parts] == [700, 700, 100]
    assert [exit_status(parts), exit_status(parts[2:])] == [0, 4]
