"""A logged model runs where nothing of ours is installed, and asks the index for nothing of ours."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scorecard import bundle
from scorecard.registry.download import BUNDLE
from tests.builders import scorecard_parts
from tests.unit.training.builders import CONTRACT, made_up_rows
from training.tracking import mlflow_run, served_code
from training.tracking.model_signature import model_signature

PARTS = scorecard_parts()
SIGNATURE = model_signature(CONTRACT, PARTS.features.names, PARTS.policy)
ROWS = made_up_rows(5)

ELSEWHERE = """
import json, sys
from importlib.metadata import distributions, packages_distributions, requires
from packaging.requirements import Requirement

model, table = sys.argv[1:]
wanted = [line.strip() for line in open(model + "/requirements.txt")]


def closure(names):
    known, todo = set(), [Requirement(name) for name in names]
    while todo:
        one = todo.pop()
        if one.name.lower().replace("_", "-") in known or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        known.add(one.name.lower().replace("_", "-"))
        todo += [Requirement(each) for each in requires(one.name) or ()]
    return known


allowed = closure(wanted)
installed = packages_distributions()


class Index:
    # What `pip install -r requirements.txt` would not have brought is not there.
    @staticmethod
    def find_spec(name, path=None, target=None):
        owners = {each.lower().replace("_", "-") for each in installed.get(name.partition(".")[0], ())}
        if owners and not owners & allowed:
            raise ModuleNotFoundError(name, name=name)


sys.meta_path = [Index, *(each for each in sys.meta_path if "ditable" not in repr(each))]
# An installed package of ours is not there; a copy that travels with the model is.
installed = {name: owners for name, owners in installed.items() if "loan-decisions" not in owners}
import mlflow
import pandas as pd
applicants = pd.read_json(table, orient="split")
floats = {name: float for name in applicants.select_dtypes("number")}
answers = mlflow.pyfunc.load_model(model).predict(applicants.astype(floats))
ours = {sys.modules[name].__file__ for name in ("schemas.contract.contract", "scorecard.bundle")}
print(json.dumps({"probability": list(answers["probability"]), "ours": sorted(ours)}))
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    folder = tmp_path_factory.mktemp("logged")
    uri = f"sqlite:///{shutil.copy(empty_store, folder / 'mlflow.db')}"
    bundle.write(scorecard_parts(), CONTRACT, ROWS.values, folder / BUNDLE)
    with mlflow_run.run(uri, "test", "test", {}) as run:
        example = mlflow_run.example_of(CONTRACT, ROWS.values)
        run.model(folder / BUNDLE, CONTRACT, SIGNATURE, example)
    (found,) = folder.rglob("MLmodel")
    return found.parent


def test_a_model_requires_no_name_that_is_not_somebodys_on_the_index(model: Path) -> None:
    required = {line.partition("==")[0] for line in (model / "requirements.txt").read_text().split()}

    assert required == {"fastavro", "mlflow", "numba", "numpy", "pandas"}
    assert required == set(served_code.LIBRARIES)


@pytest.mark.slow
def test_it_answers_by_the_code_that_travels_with_it_where_only_its_requirements_are_installed(
    model: Path, tmp_path: Path
) -> None:
    table = tmp_path / "table.json"
    mlflow_run.example_of(CONTRACT, ROWS.values).to_json(table, orient="split")

    ran = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(model), str(table)],
        cwd=tmp_path,
        # Compiled anew for code that lies elsewhere, and five rows need no kernel.
        env={**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    assert all(str(model) in place for place in told["ours"])
    scores = bundle.read(model / "artifacts" / BUNDLE, CONTRACT).score(ROWS.values)
    assert np.allclose(told["probability"], scores.probability)
