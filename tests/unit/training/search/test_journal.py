"""An interrupted search goes on where it stopped, and comes to what it would have come to."""

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from schemas.errors import StoppedError
from tests.unit.training.search.test_search import a_trial, search_data
from training.fairness.applicant_groups import ApplicantGroup
from training.search import journal as journals
from training.search.budget import Budget
from training.search.journal import FileJournal
from training.search.search import SearchResult, search
from training.search.trial import Trial, TrialPreference

BUDGET = Budget(trials=6, folds=2, most_trees=10, jobs=1)


def figures(found: SearchResult) -> list[object]:
    return [found.best.number, found.why, [(trial.number, trial.choice, trial.auc) for trial in found.trials]]


def journal(folder: Path) -> FileJournal:
    return FileJournal(folder, search_data().key(BUDGET))


def stop_after(trials: int, folder: Path) -> None:
    told: list[Trial] = []
    with pytest.raises(StoppedError):
        search(search_data(), BUDGET, told.append, lambda: len(told) == trials, journal(folder))
    assert len(told) == trials


@pytest.mark.slow
@pytest.mark.parametrize("ended", [1, 4])
def test_a_search_that_was_stopped_goes_on_to_what_an_unbroken_one_finds(tmp_path: Path, ended: int) -> None:
    stop_after(ended, tmp_path)
    again = journal(tmp_path)
    before = again.path.read_bytes()

    found = search(search_data(), BUDGET, journal=again)

    assert figures(found) == figures(search(search_data(), BUDGET))
    assert [trial.seconds for trial in found.trials[:ended]] == [
        trial.seconds for trial in FileJournal(tmp_path, again.path.stem)._trials[:ended]
    ]
    assert again.path.read_bytes().startswith(before[:-1]), "what was tried is not tried again"


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"[{]", b"null", b"[null]", b'[{"number": 0}]', b"\xff\xfe"])
def test_a_damaged_journal_is_one_warning_and_a_new_beginning(tmp_path: Path, content: bytes) -> None:
    path = journal(tmp_path).path
    path.write_bytes(content)

    with capture_logs() as logs:
        damaged = journal(tmp_path)
    found = search(search_data(), BUDGET, journal=damaged)

    assert [line["event"] for line in logs] == ["journal.damaged"]
    assert figures(found) == figures(search(search_data(), BUDGET))


def test_a_trial_of_another_choice_is_forgotten_with_all_after_it(tmp_path: Path) -> None:
    stop_after(3, tmp_path)
    kept = journal(tmp_path)
    first, third = kept._trials[0], kept._trials[2]

    assert kept.recall(0, first.choice) == first
    assert kept.recall(1, third.choice) is None
    assert kept.recall(2, third.choice) is None


def test_other_rows_or_another_seed_make_another_search_and_more_trials_do_not() -> None:
    key = search_data().key(BUDGET)

    assert search_data(seed=2).key(BUDGET) != key
    assert search_data().key(Budget(trials=6, folds=3, most_trees=10)) != key
    assert search_data().key(Budget(trials=60, folds=2, most_trees=10, seconds=9.0)) == key


def test_a_journal_that_ended_leaves_nothing(tmp_path: Path) -> None:
    stop_after(1, tmp_path)

    journal(tmp_path).end()

    assert list(tmp_path.iterdir()) == []


def test_two_searches_of_the_same_rows_do_not_write_the_same_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = journal(tmp_path), journal(tmp_path)
    replace = Path.replace

    def replace_after_other(draft: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "replace", replace)
        other.keep(a_trial(0, auc=0.8, cost=1.0))
        return draft.replace(target)

    monkeypatch.setattr(Path, "replace", replace_after_other)
    with capture_logs() as logs:
        one.keep(a_trial(0, auc=0.8, cost=1.0))

    assert logs == []
    assert journal(tmp_path)._trials == one._trials == other._trials
    assert list(tmp_path.iterdir()) == [one.path]


@pytest.mark.slow
def test_a_journal_that_cannot_be_written_is_one_warning_and_the_search_goes_on(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_bytes(b"where the folder should be")
    unwritable = journal(nowhere / "searches")

    with capture_logs() as logs:
        found = search(search_data(), BUDGET, journal=unwritable)
        unwritable.end()

    assert [(line["event"], line["log_level"]) for line in logs] == [("journal.unwritable", "warning")]
    assert figures(found) == figures(search(search_data(), BUDGET))


def test_other_groups_or_another_cut_off_make_another_search_only_where_the_fairest_is_taken() -> None:
    fairest = replace(BUDGET, prefer=TrialPreference.FAIREST)
    plain = search_data()
    everyone = ApplicantGroup("person_age", "under 62", np.ones(600, dtype=np.bool_))
    others = [replace(plain, approve_below=0.2), replace(plain, groups=(everyone,))]

    assert {each.key(BUDGET) for each in others} == {plain.key(BUDGET)}
    assert len({each.key(fairest) for each in (plain, *others)}) == 3


def test_another_version_of_this_package_makes_another_search(monkeypatch: pytest.MonkeyPatch) -> None:
    key = search_data().key(BUDGET)

    monkeypatch.setattr(journals, "version", lambda name: "next" if name == "loan-decisions" else version(name))

    assert search_data().key(BUDGET) != key
