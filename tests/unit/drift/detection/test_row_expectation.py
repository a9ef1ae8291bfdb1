"""Windows with far fewer or more applications than the same hours of the week have."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.binning.week_hours import HOUR_MS, HOURS_A_WEEK, hour_occurrences, hour_of, zone_of
from drift.detection.drift_report import report_of
from drift.detection.row_expectation import RowsByHour, row_alarms
from drift.detection.usual_week import dump, load, reference_for
from drift.monitor import Monitor
from schemas.events.drift import DriftRules
from tests.builders import some_values
from tests.unit.drift.detection.test_usual_week import HOUR, NIGHT, RULES_NOW, a_week, a_window
from tests.unit.drift.stream import NOW, Counter, a_reference, applicants, interleave, logs, monitor_rules

WEEK = HOURS_A_WEEK * HOUR_MS
RULES = replace(RULES_NOW, rules=replace(RULES_NOW.rules, rows_factor=2.0))


def kinds(rows: int, expected: float, factor: float = 2.0) -> list[str]:
    rules = DriftRules(pane_ms=1, lateness_ms=0, ahead_ms=0, minimum_n=500, alpha=0.01, rows_factor=factor)
    return [alarm.kind for alarm in row_alarms(rows, expected, rules)]


def test_rows_beyond_the_factor_are_alarmed_and_chance_and_no_expectation_are_not():
    assert kinds(499, 1_000.0) == ["FEW"]
    assert kinds(2_001, 1_000.0) == ["MANY"]
    assert kinds(600, 1_000.0) == kinds(1_900, 1_000.0) == []
    assert kinds(2, 8.0) == kinds(10, 0.0) == kinds(1, 1_000.0, factor=0.0) == []


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 3 * WEEK), st.integers(1, 5 * WEEK), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]))
def test_every_hour_from_first_to_last_is_counted_as_often_as_it_occurs(start: int, length: int, zone: str) -> None:
    times = np.array([start, start + length])
    quarters = np.arange(start // 900_000, (start + length) // 900_000 + 1) * 900_000
    by_hand = np.zeros(HOURS_A_WEEK, dtype=np.int64)
    changes = [hour_of(int(moment), zone_of(zone)) for moment in quarters]
    for before, after in zip([-1, *changes], changes, strict=False):
        by_hand[after] += before != after

    assert hour_occurrences(times, zone).tolist() == by_hand.tolist()


def test_a_stretch_is_expected_to_have_its_share_of_each_hour():
    noon, then = 10.0, 40.0
    rows = np.zeros(HOURS_A_WEEK)
    first = hour_of(NIGHT, zone_of("UTC"))
    rows[first], rows[first + 1] = noon, then
    usual = RowsByHour(rows, "UTC")

    assert usual.rows_between(NIGHT, NIGHT + HOUR) == noon
    assert usual.rows_between(NIGHT + HOUR // 2, NIGHT + HOUR + HOUR // 4) == pytest.approx(noon / 2 + then / 4)
    assert usual.rows_between(NIGHT, NIGHT + WEEK) == noon + then


def test_a_window_says_if_its_rows_are_far_from_those_of_the_usual_week():
    week = load(dump(a_week()))  # 1,500 in each of two hours

    few, usual, many = (
        report_of(window, reference_for(window, a_reference(), week, 500), RULES)
        for window in (a_window(some_values(n, seed=4), NIGHT + HOUR) for n in (400, 1_400, 3_200))
    )

    assert [each.expected_rows for each in (few, usual, many)] == [1_500.0] * 3
    assert [[alarm.kind for alarm in each.alarms] for each in (few, usual, many)] == [["FEW"], [], ["MANY"]]


def test_a_week_declared_by_an_earlier_version_expects_no_rows():
    week = a_week()
    before = replace(week, hours=tuple(replace(each, weeks=0) for each in week.hours))
    window = a_window(some_values(400, seed=4))

    assert report_of(window, reference_for(window, a_reference(), before, 500), RULES).alarms == ()


def test_the_rows_that_an_operator_expects_go_before_those_of_the_week():
    usual = monitor_rules(window_count=0, window_ms=6_000)
    rules = replace(usual, reporting=RULES, window_rows=2_000)
    reference, monitor = a_reference(), Monitor(rules)
    counter = Counter(0, logs(applicants(some_values(900, seed=3)), 1, reference)[0], 1, reference)

    first = next(
        report
        for message in interleave([counter], seed=1)
        for report in monitor.add_counts(message, reference, NOW).reports
    )

    assert (first.n, first.expected_rows, [alarm.kind for alarm in first.alarms]) == (600, 2_000.0, ["FEW"])
