"""`loanctl score` compares a file's ranges before any decision, and does without where decisions do without MLflow."""

import io
from pathlib import Path

import pytest

from loanctl.commands.decisions import score
from loanctl.commands.scorecards.champion import NoChampionError
from loanctl.console import Console
from loanctl.file_checks.table_ranges import ImplausibleRangeError
from loanctl.simulation import loan_tables
from loanctl.simulation.loan_tables import Table
from schemas.errors import OutageError, SetupError
from scorecard.decisions.scoring import RegisteredScorecard
from streams.worker.settings import ScoringSettings
from tests.builders import CONTRACT, a_champion
from tests.unit.scorecard.bulk.applicants import a_table

FAULTS = [NoChampionError("no champion"), OutageError("no answer"), SetupError("the bundle is not signed")]


@pytest.fixture
def monthly(tmp_path: Path) -> Table:
    frame = a_table()
    frame["person_income"] /= 1_000.0
    frame.to_csv(tmp_path / "loans.csv", index=False)
    return loan_tables.read(tmp_path / "loans.csv", CONTRACT)


def require_plausible(table: Table, *, offline: bool) -> str:
    """What is printed."""
    output, settings = io.StringIO(), ScoringSettings.read()
    champion = score._champion(settings, Console(file=output, width=200), offline=offline)
    if champion is not None:
        score._require_plausible(table, settings.contract(), champion)
    return output.getvalue()


@pytest.mark.parametrize("offline", [False, True])
def test_a_file_in_another_unit_is_refused(monkeypatch: pytest.MonkeyPatch, monthly: Table, *, offline: bool) -> None:
    monkeypatch.setattr(score, "load_champion", lambda _: a_champion())

    with pytest.raises(ImplausibleRangeError, match="person_income: 100"):
        require_plausible(monthly, offline=offline)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_without_a_readable_champion_the_topics_still_decide(
    monkeypatch: pytest.MonkeyPatch, monthly: Table, fault: Exception
) -> None:
    def unreadable(_: ScoringSettings) -> RegisteredScorecard:
        raise fault

    monkeypatch.setattr(score, "load_champion", unreadable)

    assert require_plausible(monthly, offline=False) == (
        f"ranges are not compared with the champion's population: {fault}\n"
    )
    with pytest.raises(type(fault)):
        require_plausible(monthly, offline=True)
