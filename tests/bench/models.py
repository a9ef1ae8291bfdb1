"""Bench inputs: synthetic applicants, three families of models, their forests."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import fastavro
import numpy as np
import numpy.typing as npt

from loanctl.simulation import synthetic_population
from loanctl.simulation.loan_tables import Table
from loanctl.simulation.playback import Script, records
from schemas.applications import Matrix, from_records
from schemas.codec.wire_format import frame
from scorecard.forest.forest import Forest
from tests.builders import APPLICATION_SCHEMA_ID, CONTRACT, feature_space
from training.families.family_registry import compile_model
from training.families.random_forest_family import BELOW_ALL

ROWS: Final = 20_000
SEED: Final = 1
SPACING: Final = timedelta(milliseconds=100)
"""Between two applicants, of event time: a lender of ten a second."""


@dataclass(frozen=True, slots=True)
class Population:
    """Applicants encoded for forests, and as an application's fields."""

    matrix: npt.NDArray[np.float32]
    defaulted: npt.NDArray[np.int8]
    values: Matrix


@lru_cache(maxsize=1)
def applicants() -> Population:
    """The applicants that everything is trained on and measured with."""
    frame = synthetic_population.applicants(ROWS, SEED)
    values = from_records(CONTRACT, list(people(ROWS))).values
    return Population(
        matrix=feature_space().encode(values),
        defaulted=frame["loan_status"].to_numpy().astype(np.int8),
        values=values,
    )


def application_values(count: int, schema_id: int = APPLICATION_SCHEMA_ID) -> Sequence[bytes]:
    schema: Any = fastavro.parse_schema(dict(CONTRACT.schema))
    return [frame(schema_id, schema, record) for record in people(count)]


def an_xgboost(depth: int, trees: int) -> Any:
    """A booster of the applicants, on one thread."""
    people = applicants()
    return a_booster(depth, trees, people.matrix, people.defaulted)


def a_booster(depth: int, trees: int, rows: npt.NDArray[np.float32], labels: npt.NDArray[np.int8]) -> Any:
    """A booster of these rows, on one thread."""
    import xgboost

    parameters = {"objective": "binary:logistic", "max_depth": depth, "eta": 0.1, "nthread": 1, "seed": SEED}
    return xgboost.train(parameters, xgboost.DMatrix(rows, labels, nthread=1), trees)


def a_catboost(depth: int, trees: int) -> Any:
    from catboost import CatBoostClassifier

    people = applicants()
    model = CatBoostClassifier(
        iterations=trees, depth=depth, random_seed=SEED, thread_count=1, allow_writing_files=False, verbose=False
    )
    return model.fit(people.matrix, people.defaulted)


def a_random_forest(depth: int, trees: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    people = applicants()
    model = RandomForestClassifier(trees, max_depth=depth, min_samples_leaf=5, max_features=0.5, random_state=SEED)
    return model.fit(impute(people.matrix), people.defaulted)


def impute(matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The matrix with a number below all in the place of missing values: shap's own routine takes none."""
    return np.where(np.isnan(matrix), np.float32(BELOW_ALL), matrix)


def forest_of(model: Any) -> Forest:
    columns = applicants().matrix.shape[1]
    return compile_model(model, columns)


def people(count: int) -> Iterator[dict[str, Any]]:
    table = Table("made-up applicants", "bench", synthetic_population.applicants(count, SEED))
    yield from records(table, Script(start=datetime(2026, 3, 1, tzinfo=UTC), spacing=SPACING), CONTRACT)
