"""No applicant of the training rows is in a file that a training leaves: neither by id nor as a row."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from loanctl.simulation import synthetic_population
from scorecard.registry.model_registry import ModelRegistry
from tests.unit.training.builders import CONTRACT
from training.pipeline.plan import Plan, TrainingProgress
from training.promotion.gate import Terms
from training.rows import labelled_rows
from training.search.budget import Budget
from training.trainer import Task, Trainer

ROWS = 1_500
CANARY = "canary-applicant-"
FRACTION = 1 / 4_096
"""Exact in binary: each income and amount is one applicant's alone, and is spelled alike everywhere."""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def table() -> dict[str, np.ndarray]:
    """A training's rows, and by column what each applicant alone has."""
    frame = synthetic_population.applicants(ROWS, 1)
    own = np.arange(1, ROWS + 1) * FRACTION
    frame = frame.assign(
        application_id=[f"{CANARY}{place}" for place in range(ROWS)],
        person_income=np.floor(frame["person_income"].to_numpy(float)) + own,
        loan_amnt=np.floor(frame["loan_amnt"].to_numpy(float)) + own[::-1],
    ).drop(columns="loan_percent_income")
    return {str(name): frame[name].to_numpy() for name in frame.columns}


@pytest.fixture(scope="module")
def training_folder(table: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    """The folder of all that a training leaves: MLflow's, the caches', the journals', the bundle in the cache."""
    import pandas as pd

    folder = tmp_path_factory.mktemp("training")
    uri = f"sqlite:///{shutil.copy(empty_store, folder / 'mlflow.db')}"
    registry = ModelRegistry(uri, "scorecard", folder / "cache")
    plan = Plan(name="scorecard", budget=Budget(trials=1, folds=2, most_trees=30, jobs=1), journals=folder / "journals")
    cleaned = labelled_rows.from_table(CONTRACT, pd.DataFrame(table), "canaries")
    assert len(cleaned.rows) == ROWS
    done = Trainer(CONTRACT, registry, uri, plan, Terms()).train(Task(cleaned=cleaned), TrainingProgress())
    registry.fetch(done.registered)
    return folder


def test_every_file_is_looked_at(training_folder: Path) -> None:
    names = {path.name for path in training_folder.rglob("*") if path.is_file()}

    assert {"mlflow.db", "rows.npz", "profile.json", "segments.csv", "MLmodel"} <= names
    assert sum(path.name == "rows.npz" for path in training_folder.rglob("*")) >= 2


def test_no_file_has_an_applicants_id(training_folder: Path) -> None:
    assert [
        path.name for path in training_folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()
    ] == []


def test_no_file_has_an_applicants_row(training_folder: Path, table: dict[str, np.ndarray]) -> None:
    """A single number may be the edge of a bin; two of one applicant in one file are a row."""
    kept = {}
    for path in (path for path in training_folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        both = has(content, table["person_income"]) & has(content, table["loan_amnt"])
        if both.any():
            kept[path.name] = int(both.sum())

    assert kept == {}


def has(content: bytes, numbers: np.ndarray) -> np.ndarray:
    """Which of these numbers a file has, as eight bytes at any place or as text."""
    words = {float(word) for word in re.findall(rb"\d+\.\d+", content)}
    found = np.isin(numbers, np.array(sorted(words)))
    for start in range(8):
        whole = content[start : start + (len(content) - start) // 8 * 8]
        found |= np.isin(numbers, np.frombuffer(whole, dtype=np.float64))
    return found
