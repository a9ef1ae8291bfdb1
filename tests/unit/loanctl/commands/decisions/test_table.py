"""`loanctl table`: a folder in, a folder of decisions out, and a report; once more is nothing to do."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from loanctl.bulk import range_sample
from loanctl.bulk.range_sample import RangeSample
from loanctl.commands.decisions import table
from loanctl.file_checks.chunk_reports import BAD_DATA
from scorecard.bulk.row_groups import RowGroup, StoredTable, stored_table
from tests.unit.scorecard.bulk.applicants import a_package, a_table, write_parquet


@pytest.fixture
def rows(tmp_path: Path) -> tuple[str, str]:
    """A table and a bundle."""
    a_package(tmp_path / "bundle")
    return str(write_parquet(a_table(), tmp_path / "rows")), str(tmp_path / "bundle")


def run(*arguments: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(table.app, list(arguments))
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.stdout, found.stderr


def test_a_folder_is_decided_once(rows: tuple[str, str], tmp_path: Path) -> None:
    source, bundle = rows
    out = str(tmp_path / "out")

    first = run("score", source, out, "--scorecard", bundle, "--processes", "1")
    again = run("score", source, out, "--scorecard", bundle, "--processes", "1")

    assert first[0] == again[0] == 0
    assert "600 rows decided" in first[2].replace("\n", " ")
    assert again[2].startswith("0 rows decided")
    assert pq.read_table(out).num_rows == 600


def test_a_table_of_few_other_applicants_is_reported(rows: tuple[str, str]) -> None:
    source, bundle = rows

    status, out, _ = run("drift", source, "--scorecard", bundle, "--processes", "1", "--json")

    report = json.loads(out)
    assert report["n"] == 600
    assert status == {"DRIFTED": 3, "INSUFFICIENT": 4}[report["verdict"]]


@pytest.mark.parametrize(("command", "force"), [("score", False), ("score", True), ("drift", False), ("drift", True)])
def test_a_table_in_another_unit_is_taken_by_force_alone(tmp_path: Path, command: str, force: bool) -> None:
    a_package(tmp_path / "bundle")
    monthly = a_table()
    monthly["person_income"] /= 1_000.0
    arguments = [command, str(write_parquet(monthly, tmp_path / "rows"))]
    arguments += [str(tmp_path / "out")] if command == "score" else []
    arguments += ["--scorecard", str(tmp_path / "bundle"), "--processes", "1", *(["--force"] if force else [])]

    found = CliRunner().invoke(table.app, arguments)

    said = str(found.exception) + found.stderr
    assert ("person_income: 100.0% of " in said) is not force
    assert (found.exit_code == BAD_DATA) is (command == "drift" and not force)
    assert (tmp_path / "out").exists() is (command == "score" and force)


def test_a_sample_of_a_large_table_is_taken_all_over_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(range_sample, "MOST_GROUPS", 3)
    groups = [RowGroup(str(tmp_path), place, 10) for place in range(9)]
    found = StoredTable(tmp_path, tuple(groups), (), "")

    assert [group.group for group in range_sample.sampled_groups(found)] == [0, 3, 6]
    assert range_sample.sampled_groups(replace(found, groups=tuple(groups[:2]))) == groups[:2]


def test_a_table_sorted_by_a_field_is_plausible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(range_sample, "MOST_ROWS", 100)
    package = a_package(tmp_path / "bundle")
    found = stored_table(write_parquet(a_table().sort_values("person_income"), tmp_path / "rows"))

    assert RangeSample(package).implausible_fields(found) == []


def test_without_pyspark_one_line_says_what_to_install(
    rows: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scorecard.bulk.spark_session.find_spec", lambda _: None)
    source, bundle = rows

    with pytest.raises(Exception, match="--spark needs PySpark, which is not installed"):
        run("score", source, str(tmp_path / "out"), "--scorecard", bundle, "--spark", "local[1]")
