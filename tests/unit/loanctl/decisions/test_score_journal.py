"""What is done of a file survives a run that was broken off, and is not mixed with another's."""

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
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
    again.close()

    assert list(ScoreJournal(out, ABOUT).rows) == ["a", "b", "c"]


def run_until_kill(out: Path, count: int) -> None:
    """What a process does that `kill -9` ends while it waits for the decision behind so many."""

    def decisions() -> Iterator[dict[str, Any]]:
        yield from rows(*(f"a-{place}" for place in range(count)))
        os.kill(os.getpid(), signal.SIGKILL)

    ScoreJournal(out, ABOUT).add(decisions())


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_run_that_is_killed_while_it_waits_keeps_each_decision_that_came(tmp_path: Path, count: int) -> None:
    out = tmp_path / "out.csv"
    run = multiprocessing.get_context("fork").Process(target=run_until_kill, args=(out, count))
    run.start()
    run.join()

    assert run.exitcode == -signal.SIGKILL
    assert list(ScoreJournal(out, ABOUT).rows) == [f"a-{place}" for place in range(count)]


def test_lines_without_a_decision_keep_no_other_input_out(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    ScoreJournal(out, ABOUT).close()

    other = ScoreJournal(out, {**ABOUT, "input": "other"})
    other.add(rows("a"))
    other.close()

    with pytest.raises(OutputError, match="of another input"):
        ScoreJournal(out, ABOUT)


def test_two_runs_at_once_do_not_send_everything_twice(tmp_path: Path) -> None:
    first = ScoreJournal(tmp_path / "out.csv", ABOUT)

    with pytest.raises(OutputError, match="another `loanctl score` writes"):
        ScoreJournal(tmp_path / "out.csv", ABOUT)
    first.close()

    assert ScoreJournal(tmp_path / "out.csv", ABOUT).rows == {}


def test_a_run_that_ends_before_its_marker_leaves_none_of_the_input_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, other = tmp_path / "out.csv", {**ABOUT, "input": "other"}
    journal = ScoreJournal(out, ABOUT)
    journal.add(rows("a"))
    journal.finish(["a"], {"rows": 1})

    def end(_path: Path, *_: object, **__: object) -> None:
        raise KeyboardInterrupt

    later = ScoreJournal(out, other)
    later.add(rows("b"))
    with monkeypatch.context() as broken:
        broken.setattr(Path, "write_text", end)
        with pytest.raises(KeyboardInterrupt):
            later.finish(["b"], {"rows": 1})
    later.close()
    resumed = ScoreJournal(out, other)

    assert (resumed.marker_facts, list(resumed.rows)) == (None, ["b"])
    resumed.discard()
    assert ScoreJournal(out, ABOUT).marker_facts is None


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
