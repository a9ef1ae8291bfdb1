"""The registered model serves the bundle through MLflow: probability, contributions, and a fault where it refers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scorecard import bundle
from scorecard.registry.download import BUNDLE
from scorecard.registry.mlflow_client import quieten
from tests.builders import scorecard_parts
from tests.unit.training.builders import CONTRACT, made_up
from training.tracking import mlflow_run

ROWS = made_up(40)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> "object":
    quieten()
    import mlflow

    folder = tmp_path_factory.mktemp("served")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    bundle.write(scorecard_parts(), CONTRACT, ROWS.values, folder / BUNDLE)
    with mlflow_run.run(uri, "test", "test", {}) as run:
        example = mlflow_run.example_of(CONTRACT, ROWS.values[:5])
        logged = run.model(folder / BUNDLE, CONTRACT, example, pd.DataFrame({"probability": np.zeros(5)}))
    mlflow.set_tracking_uri(uri)
    return mlflow.pyfunc.load_model(logged.source)


def answered(model: object, table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(model.predict(table))  # type: ignore[attr-defined]


def test_the_served_model_says_what_the_scorecard_says(model: object, tmp_path: Path) -> None:
    bundle.write(scorecard_parts(), CONTRACT, ROWS.values, tmp_path)
    scores = bundle.read(tmp_path, CONTRACT).score(ROWS.values)

    found = answered(model, mlflow_run.example_of(CONTRACT, ROWS.values))

    assert np.allclose(found["probability"], scores.probability)
    shares = found[[name for name in found.columns if name.startswith("contribution.")]]
    assert np.allclose(shares.to_numpy(), scores.contributions)
    assert np.allclose(found["base_value"] + shares.sum(axis=1), found["margin"])


def test_what_cannot_be_scored_is_referred_and_its_fault_named(model: object) -> None:
    table = mlflow_run.example_of(CONTRACT, ROWS.values[:3])
    table.loc[1, "person_income"] = -5.0
    table.loc[2, "person_home_ownership"] = "Rent"

    found = answered(model, table)

    assert found["outcome"].tolist()[1:] == ["REFER", "REFER"]
    assert found["fault"].tolist() == ["", "out_of_range", "unknown_level"]
    assert np.isnan(found["probability"][1])
