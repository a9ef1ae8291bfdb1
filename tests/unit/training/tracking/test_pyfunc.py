"""The registered model serves the bundle through MLflow: probability, contributions, and a fault where it refers."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from schemas.contract.fields import Role
from scorecard import bundle
from scorecard.decisions.scoring import reason_places
from scorecard.policy import PolicyError, outcomes
from scorecard.registry.download import BUNDLE
from scorecard.registry.mlflow_client import quieten
from tests.builders import scorecard_parts
from tests.unit.training.builders import CONTRACT, made_up_rows
from training.tracking import mlflow_run
from training.tracking.model_signature import model_signature

PARTS = scorecard_parts()
SIGNATURE = model_signature(CONTRACT, PARTS.features.names, PARTS.policy)
ROWS = made_up_rows(40)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> "object":
    quieten()
    import mlflow

    folder = tmp_path_factory.mktemp("served")
    uri = f"sqlite:///{shutil.copy(empty_store, folder / 'mlflow.db')}"
    bundle.write(scorecard_parts(), CONTRACT, ROWS.values, folder / BUNDLE)
    with mlflow_run.run(uri, "test", "test", {}) as run:
        example = mlflow_run.example_of(CONTRACT, ROWS.values[:5])
        logged = run.model(folder / BUNDLE, CONTRACT, SIGNATURE, example)
    mlflow.set_tracking_uri(uri)
    return mlflow.pyfunc.load_model(logged.source)


def predict(model: object, table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(model.predict(table))  # type: ignore[attr-defined]


def test_the_served_model_says_what_the_scorecard_says(model: object, tmp_path: Path) -> None:
    bundle.write(scorecard_parts(), CONTRACT, ROWS.values, tmp_path)
    scores = bundle.read(tmp_path, CONTRACT).score(ROWS.values)

    found = predict(model, mlflow_run.example_of(CONTRACT, ROWS.values))

    assert np.allclose(found["probability"], scores.probability)
    shares = found[[name for name in found.columns if name.startswith("contribution.")]]
    assert np.allclose(shares.to_numpy(), scores.contributions)
    assert np.allclose(found["base_value"] + shares.sum(axis=1), found["margin"])


def test_what_cannot_be_scored_is_referred_and_its_fault_named(model: object) -> None:
    table = mlflow_run.example_of(CONTRACT, ROWS.values[:3])
    table.loc[1, "person_income"] = -5.0
    table.loc[2, "person_home_ownership"] = "Rent"

    found = predict(model, table)

    assert found["outcome"].tolist()[1:] == ["REFER", "REFER"]
    assert found["fault"].tolist() == ["", "out_of_range", "unknown_level"]
    assert np.isnan(found["probability"][1])


def test_a_row_may_lack_what_the_contract_lets_it_lack_and_nothing_else(model: object) -> None:
    whole = mlflow_run.example_of(CONTRACT, ROWS.values[:1])
    optional = {each.name for each in CONTRACT.observed if each.nullable or each.ratio_of or each.role != Role.FEATURE}
    needed = [name for name in whole.columns if name not in optional]

    assert optional
    assert predict(model, whole[needed])["fault"].tolist() == [""]
    for name in needed:
        with pytest.raises(MlflowException, match=name):
            predict(model, whole[needed].drop(columns=name))


def test_reasons_are_those_of_a_decision_and_an_approved_applicant_has_none(model: object, tmp_path: Path) -> None:
    bundle.write(scorecard_parts(), CONTRACT, ROWS.values, tmp_path)
    card = bundle.read(tmp_path, CONTRACT)
    scores = card.score(ROWS.values)
    verdicts = outcomes(card.policy, scores.probability)
    given = reason_places(card, ROWS.values, scores.contributions, verdicts)
    expected = [",".join(card.reasons.texts[place].code for place in row if place >= 0) for row in given.places]

    found = predict(model, mlflow_run.example_of(CONTRACT, ROWS.values))

    assert found["reasons"].tolist() == expected
    assert {bool(reasons) for reasons in found["reasons"][found["outcome"] != "APPROVE"]} == {True}
    assert set(found["reasons"][found["outcome"] == "APPROVE"]) == {""}


def test_the_operators_cut_offs_come_with_the_request(model: object) -> None:
    table = mlflow_run.example_of(CONTRACT, ROWS.values)

    def outcomes_of(**cut_offs: float) -> set[str]:
        return set(model.predict(table, params=cut_offs)["outcome"])  # type: ignore[attr-defined]

    assert outcomes_of(approve_below=1.0, decline_from=1.0) == {"APPROVE"}
    assert outcomes_of(approve_below=0.0, decline_from=0.0) == {"DECLINE"}
    with pytest.raises(PolicyError, match="must keep"):
        outcomes_of(approve_below=0.9, decline_from=0.1)
