"""What is done of a file survives a run that was broken off, and is not mixed with another's."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from loanctl.decisions.score_journal import OutputError, ScoreJournal

ABOUT = {"input": "abc", "way": "offline"}


def rows(*names: str) -> list[dict[str, Any]]:
    return [{"application_id": name, "outcome": "APPROVE", "probability": 0.125} for name in names]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_the_output_has_the_rows_in_the_inputs_order_and_a_marker(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    journal = ScoreJournal(out, ABOUT)

    journal.add(rows("b"))
    journal.add(rows("a"))
    journal.finish(["a", "b"], {"rows": 2})

    read = {".csv": pd.read_csv, ".jsonl": lambda path: pd.read_json(path, lines=True), ".parquet": pd.read_parquet}
    found = read[suffix](out)  # type: ignore[operator]  # three readers, one way to call them
    assert found["application_id"].tolist() == ["a", "b"]
    assert found["probability"].tolist() == [0.125, 0.125]
    assert json.loads(journal.marker.read_text()) == {"about": ABOUT, "rows": 2}
    assert sorted(path.name for path in tmp_path.iterdir()) == [out.name, f"{out.name}.done"]


def test_a_run_that_was_killed_amid_a_line_goes_on_behind_the_last_whole_one(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    ScoreJournal(out, ABOUT).add(rows("a", "b"))
    partial = tmp_path / "out.csv.partial"
    partial.write_text(partial.read_text()[:-20])

    again = ScoreJournal(out, ABOUT)
    again.add(rows("b", "c"))

    assert list(ScoreJournal(out, ABOUT).rows) == ["a", "b", "c"]


def test_what_is_whole_is_known_and_of_another_input_is_not(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    journal = ScoreJournal(out, ABOUT)
    journal.add(rows("a"))
    before = journal.marker_facts
    journal.finish(["a"], {"rows": 1})

    assert before is None
    assert ScoreJournal(out, ABOUT).marker_facts == {"about": ABOUT, "rows": 1}
    assert ScoreJournal(out, {**ABOUT, "input": "other"}).marker_facts is None


def test_another_inputs_lines_are_refused(tmp_path: Path) -> None:
    ScoreJournal(tmp_path / "out.csv", ABOUT).add(rows("a"))

    with pytest.raises(OutputError, match="remove it to begin anew"):
        ScoreJournal(tmp_path / "out.csv", {**ABOUT, "way": "loan.applications.v1"})


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.csv, \.jsonl, \.parquet"):
        ScoreJournal(tmp_path / "out.xlsx", ABOUT)
