"""PSI limits of single fields."""

from dataclasses import replace

import pytest

from drift.detection import field_limit_overrides
from drift.detection.verdict import feature_verdict, verdict
from drift.settings import DriftSettings, UnknownFieldError
from schemas.errors import SetupError
from schemas.events.drift import FieldLimits, Verdict
from tests.builders import some_values
from tests.unit.drift.detection.test_verdict import REPORTING, report


def test_a_field_is_judged_by_its_own_limits_and_the_others_by_the_usual_ones():
    rules = replace(REPORTING.rules, field_limits=(FieldLimits(feature="income", watch_from=0.3, drifted_from=0.5),))
    usual = report(some_values(1_000, seed=3)).features[0]
    income, age = (replace(usual, feature=name, psi=0.25, psi_critical=0.01) for name in ("income", "age"))

    assert feature_verdict(income, rules) is Verdict.STEADY
    assert feature_verdict(replace(income, psi=0.4), rules) is Verdict.WATCH
    assert feature_verdict(age, rules) is Verdict.DRIFTED
    assert verdict(1_000, [income], rules) is Verdict.STEADY


def test_limits_are_read_in_the_order_of_their_names():
    first, last = field_limit_overrides.parse("person_income=.15:.3, age = .2:.4")

    assert (first.feature, last.drifted_from) == ("age", 0.3)
    assert field_limit_overrides.parse("") == ()


@pytest.mark.parametrize(
    "text", ["age", "age=.3", "age=.3:.1", "age=0:.1", "=.1:.2", "age=.1:nan", "age=.1:.2,age=1:2"]
)
def test_what_is_no_limit_is_refused_with_the_settings(text, monkeypatch):
    monkeypatch.setenv("LOAN_PSI_FIELD_LIMITS", text)

    with pytest.raises(SetupError):
        DriftSettings.read()


def test_a_field_that_the_contract_has_not_is_refused_and_what_is_set_is_in_the_report_s_rules(monkeypatch):
    settings = {"psi_field_limits": "probability=.1:.25", "drifted_needed": 1, "drifted_of": 2, "quiet_hours": "Sun"}
    rules = DriftSettings(**settings, cooldown_s=60, in_flight_s=3_600).rules().reporting.rules

    assert rules.limits_of("probability") == (0.1, 0.25)
    assert (rules.drifted_needed, rules.drifted_of, rules.quiet_hours) == (1, 2, "Sun")
    assert (rules.cooldown_ms, rules.in_flight_ms, rules.time_zone) == (60_000, 3_600_000, "UTC")
    with pytest.raises(UnknownFieldError, match="no field incme"):
        DriftSettings(psi_field_limits="incme=.1:.2").rules()
