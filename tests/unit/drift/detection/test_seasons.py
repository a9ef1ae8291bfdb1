"""A declared season is compared with the same season before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drift.binning.binner import ApplicationCells
from drift.binning.reference import Reference
from drift.detection.seasons import MOST, declare, dump, load
from drift.monitor import Monitor
from drift.settings import DriftSettings
from loanctl.reports import season_counts
from loanctl.reports.season_counts import NoSeasonError
from loanctl.simulation import loan_tables, synthetic_population
from schemas.applications import Matrix
from schemas.events.drift import DriftAcknowledgement, DriftReport, Season, SeasonCounts, Verdict
from schemas.timestamps import time_of
from tests.builders import CONTRACT, some_values
from tests.unit.drift.stream import NOW, START, Counter, a_reference, applicants, interleave, logs, monitor_rules

INCOME = CONTRACT.position["person_income"]


def richer(values: Matrix) -> Matrix:
    moved = values.copy()
    moved[:, INCOME] *= 2.0
    return moved


def a_season(values: Matrix, reference: Reference, start: int = START, seconds: int = 3_600) -> Season:
    cells, layout = ApplicationCells(CONTRACT, reference), reference.applications
    counts = np.bincount(cells.cells(values).ravel(), minlength=cells.shape.cells)
    return Season(
        start=time_of(start),
        end=time_of(start) + timedelta(seconds=seconds),
        reference_id=reference.reference_id,
        counts=tuple(
            SeasonCounts(feature=each.name, counts=tuple(layout.counts_of(nth, counts).tolist()))
            for nth, each in enumerate(layout.binned)
        ),
    )


def a_word(season: Season | None) -> DriftAcknowledgement:
    return DriftAcknowledgement(
        acknowledgement_id="a", product="credit_risk", why="", hold_until=None, season=season, acknowledged_at=NOW
    )


def reports(season: Season | None, *, crash: bool = False) -> list[DriftReport]:
    """Three windows of applicants twice as rich as the profile's, a season declared before them."""
    reference, rules = a_reference(), monitor_rules()
    monitor = Monitor(rules)
    monitor.acknowledge(a_word(season))
    log = logs(applicants(richer(some_values(1_800, seed=4))), 1, reference)[0]
    found: list[DriftReport] = []
    for message in interleave([Counter(0, log, 1, reference)], 1):
        if crash:
            monitor = Monitor.from_dict(rules, monitor.to_dict())
        found += monitor.add_counts(message, reference, NOW).reports
    return [*found, *monitor.silent(reference, NOW + timedelta(days=2)).reports]


def test_what_is_drift_against_the_profile_is_steady_against_the_same_season_before() -> None:
    season = a_season(richer(some_values(2_000, seed=9)), a_reference())

    assert {report.verdict for report in reports(None)} == {Verdict.DRIFTED}
    assert {report.verdict for report in reports(season)} == {Verdict.STEADY}
    assert reports(season, crash=True) == reports(season)


def test_a_report_says_what_it_was_compared_with() -> None:
    reference = a_reference()
    season = a_season(richer(some_values(2_000, seed=9)), reference)

    found = reports(season)[0]

    assert found.reference_id == reference.in_season(season).reference_id != reference.reference_id
    assert found.reference_id in found.window_id
    assert found.features[INCOME].reference_counts == season.counts[INCOME].counts
    assert found.features[INCOME].edges == reference.profile.features[INCOME].edges


def test_a_window_that_reaches_out_of_the_season_is_compared_with_the_profile() -> None:
    season = a_season(richer(some_values(2_000, seed=9)), a_reference(), seconds=13)

    assert [report.verdict for report in reports(season)] == [Verdict.STEADY] * 2 + [Verdict.DRIFTED]


def test_a_season_in_the_bins_of_another_champion_changes_nothing() -> None:
    another = a_season(richer(some_values(2_000, seed=9)), a_reference(seed=7))

    assert reports(another) == reports(None)
    assert a_reference().in_season(another) is a_reference()


def test_counts_that_fit_no_bins_change_nothing() -> None:
    reference = a_reference()
    odd = Season(
        start=NOW,
        end=NOW,
        reference_id=reference.reference_id,
        counts=(SeasonCounts(feature="person_income", counts=(1, 2)),),
    )

    assert reference.in_season(odd) is reference


def test_the_season_declared_last_stands_and_few_are_remembered() -> None:
    seasons: tuple[Season, ...] = ()
    for nth in range(MOST + 3):
        seasons = declare(seasons, a_season(some_values(10), a_reference(), start=START + nth))

    assert len(seasons) == MOST
    assert seasons[0].start == time_of(START + MOST + 2)
    assert load(dump(seasons)) == seasons


def test_a_state_saved_before_there_were_seasons_is_gone_on_with() -> None:
    monitor = Monitor(monitor_rules())
    older = {name: part for name, part in monitor.to_dict().items() if name != "seasons"}

    assert Monitor.from_dict(monitor_rules(), older).to_dict() == monitor.to_dict()


def test_a_season_is_made_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, begin = tmp_path / "last-year.csv", datetime(2026, 12, 1, tzinfo=UTC)
    loan_tables.write_table(synthetic_population.applicants(800, 1), file)
    monkeypatch.setattr(season_counts, "by_champion", lambda _: a_reference())
    settings: Any = DriftSettings()

    found = season_counts.of_file(file, begin, begin + timedelta(days=40), settings)

    assert found.reference_id == a_reference().reference_id
    assert {sum(each.counts) for each in found.counts} == {800}
    assert a_reference().in_season(found).reference_id != a_reference().reference_id
    with pytest.raises(NoSeasonError, match="must end after"):
        season_counts.of_file(file, begin, begin, settings)
    with pytest.raises(NoSeasonError, match="too few"):
        season_counts.of_file(file, begin, begin + timedelta(days=1), DriftSettings(minimum_n=900))


def test_a_season_of_a_former_champion_makes_room() -> None:
    former = a_season(some_values(10), a_reference(), start=START)
    of_another = replace(former, reference_id="another")

    assert declare((of_another,), former) == (former,)
