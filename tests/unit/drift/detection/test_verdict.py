"""What distances mean."""

from dataclasses import replace

import numpy as np
import pytest

from drift.binning.binner import ApplicationCells
from drift.detection.drift_report import report_of
from drift.detection.verdict import feature_verdict, verdict
from drift.settings import DriftSettings
from drift.windows.window import TopicCount, Window
from schemas.events.decisions import FlagKind
from schemas.events.drift import DriftReport, Verdict
from streams.runtime.settings import SettingsError
from tests.builders import CONTRACT, some_values
from tests.unit.drift.stream import SOURCE, a_reference, monitor_rules

REPORTING = monitor_rules().reporting
INCOME, INTENT, JOB = (CONTRACT.position[name] for name in ("person_income", "loan_intent", "person_emp_length"))


def report(values: np.ndarray) -> DriftReport:
    reference = a_reference()
    cells = ApplicationCells(CONTRACT, reference)
    counts = np.bincount(cells.cells(values).ravel(), minlength=cells.shape.cells)
    window = Window(start=0, end=1_000, tallies={SOURCE: TopicCount(n=len(values), counts=counts)}, stretches={})
    return report_of(window, reference, REPORTING)


def test_too_few_applicants_give_no_verdict():
    assert report(some_values(499, seed=3)).verdict is Verdict.INSUFFICIENT


def test_an_empty_window_has_a_report_without_drift():
    found = report(some_values(1)[:0])

    assert (found.verdict, found.n, found.largest_psi, found.data_quality) == (Verdict.INSUFFICIENT, 0, 0.0, ())


@pytest.mark.parametrize(("factor", "expected"), [(1.0, Verdict.STEADY), (1.05, Verdict.WATCH), (2.0, Verdict.DRIFTED)])
def test_the_worst_feature_gives_the_verdict(factor, expected):
    values = some_values(2_000, seed=3)
    values[:, INCOME] *= factor

    found = report(values)

    assert found.verdict is expected
    assert found.verdict is verdict(found.n, found.features, found.rules)


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [(JOB, np.nan, FlagKind.MISSING), (INCOME, -5.0, FlagKind.INVALID), (INTENT, -1.0, FlagKind.UNSEEN)],
)
def test_bad_data_are_alarmed_and_never_drift(column, value, kind):
    values = some_values(1_000, seed=3)
    values[:400, column] = value

    found = report(values)

    assert found.verdict is Verdict.STEADY
    assert [(alarm.feature, alarm.kind) for alarm in found.data_quality] == [(CONTRACT.observed[column].name, kind)]


def test_a_feature_that_is_mostly_missing_has_no_say():
    values = some_values(1_000, seed=3)
    values[:600, INCOME] = np.nan
    values[600:, INCOME] = 1.0

    income = report(values).features[INCOME]

    assert income.psi > 1.0
    assert feature_verdict(income, REPORTING.rules) is Verdict.INSUFFICIENT


def test_an_index_within_chance_is_steady_however_large():
    income = report(some_values(1_000, seed=3)).features[INCOME]

    within = replace(income, psi=0.5, psi_critical=0.6)

    assert feature_verdict(within, REPORTING.rules) is Verdict.STEADY


def test_settings_cut_a_window_into_panes():
    assert DriftSettings(window_s=3_600).pane_ms() == 60_000
    assert DriftSettings(window_count=1_000).pane_ms() == 1_000
    assert DriftSettings(window_s=3_600, lateness_s=30).silence_s() == 90.0


def test_a_pane_that_does_not_divide_the_window_is_refused_with_its_name():
    with pytest.raises(SettingsError, match="pane_s must divide window_s"):
        DriftSettings.read(window_s=60, pane_s=7)
