"""`loanctl table`: a folder in, a folder of decisions out, and a report; once more is nothing to do."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from loanctl.commands.decisions import table
from tests.unit.scorecard.bulk.applicants import a_package, a_table, stored


@pytest.fixture
def rows(tmp_path: Path) -> tuple[str, str]:
    """A table and a bundle."""
    a_package(tmp_path / "bundle")
    return str(stored(a_table(), tmp_path / "rows")), str(tmp_path / "bundle")


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


def test_without_pyspark_one_line_says_what_to_install(
    rows: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scorecard.bulk.spark_session.find_spec", lambda _: None)
    source, bundle = rows

    with pytest.raises(Exception, match="--spark needs PySpark, which is not installed"):
        run("score", source, str(tmp_path / "out"), "--scorecard", bundle, "--spark", "local[1]")
