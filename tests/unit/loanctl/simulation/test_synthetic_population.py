"""Made-up applicants: reproducible, like the public file, and moved only by the knob that was turned."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from loanctl.simulation import loan_tables, synthetic_population, true_risk
from loanctl.simulation.synthetic_population import COLUMNS, NEW_INTENT, PopulationShift, ShiftError, applicants
from schemas.contract import contract as contracts
from schemas.contract.contract import Kind

CREDIT_RISK = contracts.load("credit_risk")
DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "population.md"


def test_the_same_seed_gives_the_same_applicants():
    pd.testing.assert_frame_equal(applicants(500, seed=3), applicants(500, seed=3))


def test_another_seed_gives_others():
    assert not applicants(500, seed=3).equals(applicants(500, seed=4))


def test_the_columns_are_those_of_the_public_file(shared_folder):
    public = pd.read_csv(shared_folder / "data" / "credit_risk" / "credit_risk_dataset.csv", nrows=1)

    assert tuple(applicants(10, seed=1).columns) == COLUMNS == tuple(public.columns)


def test_nobody_is_outside_what_the_contract_allows():
    table = applicants(20_000, seed=5)

    for field in CREDIT_RISK.observed:
        column = table[field.column]
        if field.kind is Kind.CATEGORY:
            assert set(column) <= set(field.levels)
        else:
            assert column.dropna().between(field.low, field.high).all(), field.name
        if field.at_most:
            assert not (column > table[field.at_most]).any(), field.name


def test_the_ratio_is_that_of_its_parts():
    table = applicants(5_000, seed=6)

    exact = table["loan_amnt"] / table["person_income"]

    assert (table["loan_percent_income"] - exact).abs().max() <= 0.005 + 1e-9


def test_hardly_anybody_is_a_near_clone():
    keys = ["person_income", "person_emp_length", "loan_amnt", "loan_int_rate"]

    assert applicants(8_000, seed=1).duplicated(keys).mean() < 0.001


def test_the_moments_are_near_those_of_the_public_file():
    table = applicants(50_000, seed=1)

    assert table["person_income"].median() == pytest.approx(55_000, rel=0.05)
    assert table["loan_amnt"].median() == pytest.approx(8_000, rel=0.05)
    assert table["loan_status"].mean() == pytest.approx(0.22, abs=0.03)
    assert table["person_emp_length"].isna().mean() == pytest.approx(0.027, abs=0.004)
    assert (table["cb_person_default_on_file"] == "Y").mean() == pytest.approx(0.18, abs=0.01)


def test_incomes_rise_by_the_factor_and_the_ratio_falls_with_them():
    usual, richer = applicants(20_000, seed=1), applicants(20_000, seed=1, shift=PopulationShift(income_factor=1.6))

    assert richer["person_income"].median() / usual["person_income"].median() == pytest.approx(1.6, rel=0.01)
    # Amounts follow by the exponent .35, so that the ratio moves by 1.6 ** (.35 - 1).
    assert richer["loan_percent_income"].mean() / usual["loan_percent_income"].mean() == pytest.approx(
        1.6**-0.65, rel=0.05
    )


def test_the_intent_mix_multiplies_a_share_and_takes_from_the_rest():
    table = applicants(50_000, seed=1, shift=PopulationShift(intent_mix={"VENTURE": 3.0}))

    assert (table["loan_intent"] == "VENTURE").mean() == pytest.approx(0.51 / 1.34, abs=0.01)


def test_missing_and_new_levels_come_in_the_shares_asked_for():
    table = applicants(50_000, seed=1, shift=PopulationShift(missing=0.3, new_levels=0.05))

    assert table["person_emp_length"].isna().mean() == pytest.approx(0.3, abs=0.01)
    assert (table["loan_intent"] == NEW_INTENT).mean() == pytest.approx(0.05, abs=0.005)


def test_a_changed_risk_changes_who_defaults_and_nothing_that_they_say():
    usual, changed = applicants(5_000, seed=1), applicants(5_000, seed=1, shift=PopulationShift(changed_risk=1.0))

    said = [column for column in COLUMNS if column not in ("loan_status", "loan_grade", "loan_int_rate")]
    pd.testing.assert_frame_equal(usual[said], changed[said])
    ventures = usual["loan_intent"] == "VENTURE"
    assert changed.loc[ventures, "loan_status"].mean() > 2 * usual.loc[ventures, "loan_status"].mean()


def test_the_risk_moves_in_the_directions_that_the_contract_declares():
    one = applicants(1, seed=1).assign(person_emp_length=4.0, person_income=60_000, loan_amnt=9_000)
    worse = {"person_income": 40_000, "person_emp_length": 2.0, "loan_amnt": 15_000, "cb_person_cred_hist_length": 0}
    for column, value in worse.items():
        for changed in (0.0, 0.5, 1.0):
            assert true_risk.log_odds(one.assign(**{column: value}), changed) > true_risk.log_odds(one, changed), column


@pytest.mark.parametrize(
    ("knobs", "told"),
    [
        ({"missing": 1.5}, "missing is 1.5"),
        ({"new_levels": -0.1}, "new_levels is -0.1"),
        ({"changed_risk": 2.0}, "changed_risk is 2.0"),
        ({"income_factor": 0.0}, "income_factor is 0.0"),
        ({"intent_mix": {"YACHT": 2.0}}, "intent_mix names YACHT"),
        ({"intent_mix": {"VENTURE": -1.0}}, "a factor below 0"),
        ({"intent_mix": dict.fromkeys(synthetic_population.INTENTS, 0.0)}, "leaves no intent"),
    ],
)
def test_a_knob_turned_too_far_is_refused_by_name(knobs, told):
    with pytest.raises(ShiftError, match=re.escape(told)):
        PopulationShift(**knobs)


def test_the_best_auc_of_two_by_two_is_the_one_worked_by_hand(monkeypatch):
    monkeypatch.setattr(true_risk, "probability", lambda visible: visible)
    # Default chances .2 and .6: pairs (defaulter, payer) weigh .6 * .8 = .48 in order and .2 * .4 = .08 out of it.
    assert true_risk.best_auc(np.array([0.2, 0.6])) == pytest.approx(0.48 / 0.56)


def test_the_hidden_part_is_averaged_out_as_drawing_it_would():
    hidden = np.random.default_rng(0).standard_normal(200_000)
    drawn = 1.0 / (1.0 + np.exp(-(0.7 + true_risk.HIDDEN_SD * hidden)))

    assert true_risk.probability(np.array([0.7]))[0] == pytest.approx(drawn.mean(), abs=0.001)


@pytest.mark.slow
@pytest.mark.parametrize("shift", [PopulationShift(), PopulationShift(income_factor=1.6, changed_risk=1.0)])
def test_ranking_by_the_true_chances_reaches_the_best_auc_and_no_more(shift):
    table = applicants(50_000, seed=2, shift=shift)

    reached = roc_auc_score(table["loan_status"], true_risk.log_odds(table, shift.changed_risk))

    assert reached == pytest.approx(synthetic_population.best_auc(200_000, seed=1, shift=shift), abs=0.006)


@pytest.mark.slow
def test_a_plain_model_comes_near_the_best_and_stays_under_it():
    train, test = (_features_and_labels(applicants(rows, seed)) for rows, seed in ((8_000, 1), (20_000, 2)))

    model = HistGradientBoostingClassifier(max_iter=80, learning_rate=0.08, max_leaf_nodes=12, random_state=0)
    auc = roc_auc_score(test[1], model.fit(*train).predict_proba(test[0])[:, 1])

    assert 0.88 < auc < synthetic_population.best_auc(200_000, seed=1)


@pytest.mark.slow
def test_the_document_states_the_best_auc_that_is_computed():
    stated = re.findall(r"\*\*(\.\d{3})\*\*", DOCUMENT.read_text(encoding="utf-8"))

    usual = synthetic_population.best_auc(400_000, seed=1)
    changed = synthetic_population.best_auc(400_000, seed=1, shift=PopulationShift(income_factor=1.6, changed_risk=1.0))
    assert [float(number) for number in stated] == [pytest.approx(usual, abs=0.001), pytest.approx(changed, abs=0.001)]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_is_read_back_as_it_was_written(tmp_path, suffix):
    table = applicants(300, seed=1)

    digest = loan_tables.write_table(table, tmp_path / f"applicants.{suffix}")
    back = loan_tables.read(tmp_path / f"applicants.{suffix}", CREDIT_RISK)

    assert back.digest == digest
    assert loan_tables.avro_columns(back, CREDIT_RISK) == loan_tables.avro_columns(
        loan_tables.Table("made up", "0", table), CREDIT_RISK
    )


def _features_and_labels(table):
    columns = [field.column for field in CREDIT_RISK.scored()]
    return pd.get_dummies(table[columns], dtype=float), table["loan_status"]
