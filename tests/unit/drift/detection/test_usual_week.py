"""Windows are compared with the applicants of the same hours of the week, and with the development sample."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from drift.binning.binner import ApplicationCells
from drift.binning.week_hours import hour_of
from drift.detection.drift_report import report_of
from drift.detection.statistics import psi
from drift.detection.usual_week import dump, load, reference_for, usual_week
from drift.detection.verdict import METHOD
from drift.monitor import Monitor
from drift.settings import DriftSettings
from drift.windows.window import TopicCount, Window
from loanctl.reports import report_recompute, season_counts
from loanctl.reports.season_counts import NoSeasonError
from loanctl.simulation import loan_tables, synthetic_population
from schemas.applications import Matrix
from schemas.events.drift import DriftReport, UsualWeek, Verdict
from schemas.timestamps import millis_of
from scorecard.profile import bin_counts
from tests.builders import CONTRACT, some_values
from tests.unit.drift.detection.test_seasons import INCOME, a_word, richer
from tests.unit.drift.stream import SOURCE, START, a_reference, monitor_rules

HOUR = 3_600_000
NIGHT = START // HOUR * HOUR
RULES = monitor_rules().reporting
RULES_NOW = replace(RULES, rules=replace(RULES.rules, method=METHOD, development_from=0.2))


def a_week() -> UsualWeek:
    """Applicants of two hours: ordinary ones, and in the hour before, richer ones."""
    reference = a_reference()
    cells = ApplicationCells(CONTRACT, reference)
    values = np.concatenate([richer(some_values(1_500, seed=9)), some_values(1_500, seed=10)])
    times = np.repeat([NIGHT, NIGHT + HOUR], 1_500)
    return usual_week(cells.cells(values), times, reference, "UTC")


def a_window(values: Matrix, start: int = NIGHT, length: int = HOUR) -> Window:
    cells = ApplicationCells(CONTRACT, a_reference())
    counts = np.bincount(cells.cells(values).ravel(), minlength=cells.shape.cells)
    return Window(
        start=start, end=start + length, tallies={SOURCE: TopicCount(n=len(values), counts=counts)}, stretches={}
    )


def report(window: Window) -> DriftReport:
    return report_of(window, reference_for(window, a_reference(), a_week(), 500), RULES_NOW)


def test_a_window_is_compared_with_its_own_hour_of_the_week():
    rich = richer(some_values(1_500, seed=4))

    of_the_hour, a_week_later, of_the_next = (report(a_window(rich, NIGHT + shift)) for shift in (0, 168 * HOUR, HOUR))

    assert report_of(a_window(rich), a_reference(), RULES_NOW).verdict is Verdict.DRIFTED
    assert [each.verdict for each in (of_the_hour, a_week_later)] == [Verdict.STEADY] * 2
    assert of_the_next.verdict is Verdict.DRIFTED
    assert of_the_hour.reference_id == a_week_later.reference_id != of_the_next.reference_id


def test_a_window_of_two_hours_is_compared_with_both_and_one_of_unknown_hours_with_the_profile():
    reference, week = a_reference(), a_week()
    both = reference_for(a_window(some_values(10), length=2 * HOUR), reference, week, 500)
    short = reference_for(a_window(some_values(10), NIGHT + HOUR // 4, HOUR // 4), reference, week, 500)

    assert sum(both.profile.features[INCOME].counts) == 3_000
    assert sum(short.profile.features[INCOME].counts) == 1_500
    assert both.seasonal
    assert not reference_for(a_window(some_values(10), NIGHT + 5 * HOUR), reference, week, 500).seasonal
    assert not reference_for(a_window(some_values(10)), reference, week, 1_501).seasonal
    assert reference_for(a_window(some_values(10)), a_reference(seed=7), week, 500).seasonal is False


def test_a_declared_week_is_kept_over_a_restart_and_found_again_when_a_report_is_recomputed():
    rules, reference = monitor_rules(), a_reference()
    word = replace(a_word(None), usual_week=a_week())
    monitor = Monitor(rules)
    monitor.acknowledge(word)
    window = a_window(some_values(10))

    restored = Monitor.from_dict(rules, monitor.to_dict())
    found = restored._reference_for(window, reference)

    assert load(dump(a_week())) == a_week()
    assert found.reference_id == reference_for(window, reference, a_week(), 500).reference_id
    assert found.reference_id in {
        each.reference_id for each in report_recompute._references(word, window, reference, 500)
    }


def test_a_week_is_made_of_a_file_with_times_in_the_agent_s_time_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(season_counts, "by_champion", lambda _: a_reference())
    rows = synthetic_population.applicants(800, 1)
    begin = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    rows["applied_at"] = [(begin + timedelta(hours=row % 3)).isoformat() for row in range(800)]
    loan_tables.write_table(rows, tmp_path / "week.csv")
    loan_tables.write_table(rows.drop(columns="applied_at"), tmp_path / "without.csv")
    settings = DriftSettings(window_time_zone="Europe/Berlin")

    found = season_counts.week_of_file(tmp_path / "week.csv", settings)

    first = hour_of(millis_of(begin), UTC) + 1
    assert {each.hour for each in found.hours} == {first % 168, (first + 1) % 168, (first + 2) % 168}
    assert sum(sum(each.counts) for each in found.hours) == 800 * len(CONTRACT.observed)
    with pytest.raises(NoSeasonError, match="800 rows have no event time"):
        season_counts.week_of_file(tmp_path / "without.csv", settings)


def test_where_the_features_are_a_season_s_the_score_informs_alone():
    reference, window = a_reference(), a_window(some_values(1_000, seed=4))
    decided = TopicCount(
        n=1_000,
        counts=np.bincount(np.zeros(1_000, dtype=np.int64), minlength=reference.decisions.size),
        sums=np.zeros(3, dtype=np.int64),
    )
    window = replace(window, tallies={**window.tallies, RULES.decisions_topic: decided})

    usual = report_of(window, reference, RULES_NOW)
    seasonal = report_of(window, replace(reference, seasonal=True), RULES_NOW)
    of_method_two = replace(RULES_NOW, rules=replace(RULES_NOW.rules, method=2))

    assert [each.verdict for each in (usual, seasonal)] == [Verdict.DRIFTED, Verdict.WATCH]
    assert report_of(window, replace(reference, seasonal=True), of_method_two).verdict is Verdict.DRIFTED


def scale_income(values, factor: float):
    moved = values.copy()
    moved[:, INCOME] *= factor
    return moved


def test_slow_drift_that_each_new_reference_hides_is_seen_against_the_development_sample():
    """A scorecard developed on applicants of years ago, a reference of yesterday's, and applicants of today."""
    reference = a_reference()
    counts = bin_counts(reference.profile, CONTRACT, scale_income(some_values(2_000, seed=11), 1.08))
    developed = replace(
        reference, profile=replace(reference.profile, development=tuple(tuple(each.tolist()) for each in counts))
    )
    # Nothing that the scorecard reads carries weight in this reference: every field counts then.
    developed = replace(developed, profile=replace(developed.profile, contributions=()))
    window = a_window(scale_income(some_values(1_500, seed=4), 0.97))

    def report(limit: float):
        return report_of(window, developed, replace(RULES_NOW, rules=replace(RULES_NOW.rules, development_from=limit)))

    income = report(0.2).features[INCOME]
    now, before = income.psi_development, income.psi_development_before
    unwatched = report_of(window, developed, RULES)

    assert 0.0 < before < now
    assert now == pytest.approx(psi(counts[INCOME][:-3], np.array(income.counts[:-3])))
    assert before == pytest.approx(psi(counts[INCOME][:-3], np.array(income.reference_counts[:-3])))
    assert income.state in ("STEADY", "MOVED")
    # Come so far since the reference was accepted; not so far; as far before; never to be looked at.
    verdicts = [report(limit).verdict for limit in (now, now + 0.001, before, 0.0)]
    assert verdicts == [Verdict.WATCH, Verdict.STEADY, Verdict.STEADY, Verdict.STEADY]
    assert [
        each.psi_development for place, each in enumerate(report(0.2).features) if place != INCOME
    ] == pytest.approx([0.0] * (len(CONTRACT.observed) - 1), abs=0.1)
    assert (unwatched.verdict, unwatched.features[INCOME].psi_development) == (Verdict.STEADY, None)
    assert developed.reference_id != reference.reference_id


@pytest.mark.slow
def test_what_chance_takes_over_the_limit_has_not_left_the_development_sample():
    reference = a_reference()
    counts = bin_counts(reference.profile, CONTRACT, scale_income(some_values(2_000, seed=11), 1.3))
    profile = replace(reference.profile, development=tuple(tuple(each.tolist()) for each in counts), contributions=())
    accepted = replace(reference, profile=profile)

    def report(seed: int, limit: float):
        rules = replace(RULES_NOW, rules=replace(RULES_NOW.rules, development_from=limit))
        return report_of(a_window(some_values(1_500, seed=seed)), accepted, rules)

    farther = 0
    for seed in range(20, 40):
        income = report(seed, 0.0).features[INCOME]
        farther += income.psi_development > income.psi_development_before
        assert report(seed, income.psi_development).verdict is Verdict.STEADY

    assert farther > 3
