"""`mlflow models serve` on the registered champion answers over HTTP as the scorecard does."""

import json
import os
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from loanctl.stack import processes
from loanctl.stack.ports import HOST, free_ports
from loanctl.stack.process_guard import ProcessGuard
from loanctl.stack.processes import Command, RunningProcess
from loanctl.stack.services.stack_service import bare_environment
from schemas.events.decisions import Outcome
from scorecard import bundle
from scorecard.registry.download import BUNDLE
from scorecard.registry.model_registry import CHAMPION, ModelRegistry
from tests.builders import scorecard_parts
from tests.system.wait import wait_for
from tests.unit.training.builders import CONTRACT, made_up_rows
from training.tracking import mlflow_run
from training.tracking.model_signature import model_signature

PARTS = scorecard_parts()
SIGNATURE = model_signature(CONTRACT, PARTS.features.names, PARTS.policy)
ROWS = made_up_rows(20)


@pytest.fixture(scope="module")
def model_url(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[str]:
    """Where MLflow serves the champion; it runs in this environment and makes none."""
    folder = tmp_path_factory.mktemp("served")
    uri = f"sqlite:///{shutil.copy(empty_store, folder / 'mlflow.db')}"
    registry = ModelRegistry(uri, "test-scorecard", folder / "cache")
    digest = bundle.write(scorecard_parts(), CONTRACT, ROWS.values, folder / BUNDLE)
    with mlflow_run.run(uri, "test", "test", {}) as run:
        example = mlflow_run.example_of(CONTRACT, ROWS.values[:5])
        logged = run.model(folder / BUNDLE, CONTRACT, SIGNATURE, example)
    made = registry.register(logged.source, run.run_id, {"digest": digest, "family": "xgboost"}, logged.model_id)
    registry.point(CHAMPION, made.version)
    (port,) = free_ports(1)
    options = ["-m", f"models:/{registry.name}@{CHAMPION}", "--env-manager", "local", "--host", HOST, "-p", str(port)]
    argv = (sys.executable, "-m", "mlflow", "models", "serve", *options)
    # It starts uvicorn by name, as a shell in the activated environment would find it.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    told = bare_environment({"MLFLOW_TRACKING_URI": uri, "PATH": path, "OMP_NUM_THREADS": "1"})
    command = Command("served", argv, folder / "served.log", told)
    with ProcessGuard() as guard:
        running = processes.start(command)
        guard.watch(running)
        wait_for(lambda: answers(f"http://{HOST}:{port}/ping", running), 120, "MLflow's scoring server")
        yield f"http://{HOST}:{port}"
        running.kill()


def answers(url: str, running: RunningProcess) -> bool:
    assert running.alive(), running.tail()
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own
            return True
    except OSError:
        return False


def predict(url: str, table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(post(url, {"dataframe_split": json.loads(table.to_json(orient="split"))})["predictions"])


def post(url: str, body: Any) -> dict[str, Any]:
    told = json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - our own
        f"{url}/invocations", told, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own
        told_back: dict[str, Any] = json.load(answer)
    return told_back


def test_mlflow_serves_probability_and_contributions_and_refers_what_cannot_be_scored(
    model_url: str, tmp_path: Path
) -> None:
    bundle.write(scorecard_parts(), CONTRACT, ROWS.values, tmp_path)
    scores = bundle.read(tmp_path, CONTRACT).score(ROWS.values)
    applicants = mlflow_run.example_of(CONTRACT, ROWS.values)
    impossible = applicants[:1].assign(person_income=-5.0)

    found, referred = predict(model_url, applicants), predict(model_url, impossible)

    assert np.allclose(found["probability"], scores.probability)
    shares = found[[f"contribution.{name}" for name in bundle.read(tmp_path, CONTRACT).features.names]]
    assert np.allclose(shares.to_numpy(), scores.contributions)
    assert (referred["outcome"][0], referred["fault"][0]) == (Outcome.REFER.value, "out_of_range")
    # What a form sends: whole numbers, and nothing for what may be absent.
    whole = {"person_income": 50_000, "loan_amnt": 9_000, "cb_person_cred_hist_length": 6}
    words = {"person_home_ownership": "RENT", "loan_intent": "EDUCATION", "cb_person_default_on_file": "N"}
    request = {"dataframe_records": [{**whole, **words}], "params": {"approve_below": 0.0, "decline_from": 0.0}}
    (declined,) = post(model_url, request)["predictions"]
    assert (declined["outcome"], declined["fault"]) == (Outcome.DECLINE.value, "")
    assert declined["reasons"]
