"""Tables scored in bulk: a row group read, decided with contributions and written, against the bare kernel's rate."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from loanctl.simulation import synthetic_population
from scorecard import bundle
from scorecard.bulk.decision_folder import DecisionFolder, PartWriter
from scorecard.bulk.row_groups import StoredTable, stored_table
from scorecard.bulk.scorer_package import ScorerPackage
from tests.bench import models
from tests.bench.measurement import Line, Way, comparison
from tests.builders import CONTRACT, scorecard_parts, some_values

ROWS: Final = 200_000
ROUNDS: Final = 5


def lines() -> Iterator[Line]:
    """For both sizes of champion."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        table = _table(folder / "table.parquet")
        for depth, trees in ((4, 200), (6, 300)):
            parts = scorecard_parts(forest=models.forest_of(models.an_xgboost(depth, trees)))
            bundle.write(parts, CONTRACT, some_values(), folder / f"{depth}")
            package = ScorerPackage.of(folder / f"{depth}", "1", CONTRACT, None, "bench")
            out = DecisionFolder(folder / f"out-{depth}", {})
            out.open()
            explainer = package.scorer().champion.scorecard.explainer
            matrix = np.tile(models.applicants().matrix, (ROWS // models.ROWS, 1))
            yield comparison(
                f"table of {ROWS:,} rows, XGBoost depth {depth} x {trees}",
                Way("ours", lambda package=package, out=out: PartWriter(package, out)(0, table.groups[0]), ROWS),
                Way("bare kernel", lambda explainer=explainer, matrix=matrix: explainer.explain(matrix), ROWS),
                ROUNDS,
            )


def _table(path: Path) -> StoredTable:
    rows = synthetic_population.applicants(ROWS, models.SEED)
    rows["application_id"] = [f"application-{place}" for place in range(ROWS)]
    rows["applied_at"] = pd.date_range("2026-03-01", periods=ROWS, freq="s")
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), path, row_group_size=ROWS)
    return stored_table(path)
