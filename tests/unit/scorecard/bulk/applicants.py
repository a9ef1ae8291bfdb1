"""A table of applicants on disk, with what goes wrong in some rows, and the bundle that decides on it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from loanctl.simulation import synthetic_population
from scorecard import bundle
from scorecard.bulk.scorer_package import ScorerPackage
from tests.builders import CONTRACT, scorecard_parts, some_values

ROWS = 600


def a_table(rows: int = ROWS) -> pd.DataFrame:
    """Applicants with ids and times; in some rows an amount has more decimals, a number is out of range."""
    table = synthetic_population.applicants(rows, 3)
    table["application_id"] = [f"a-{place}" for place in range(rows)]
    table["applied_at"] = pd.date_range("2026-03-01", periods=rows, freq="min", tz="UTC")
    table["loan_amnt"] = table["loan_amnt"].astype(float) + np.arange(rows) % 7 * 0.1254
    table.loc[5, "person_emp_length"] = 900.0
    table.loc[6, "loan_intent"] = "SPACEFLIGHT"
    table.loc[7, "person_emp_length"] = np.nan
    table.loc[8, "cb_person_default_on_file"] = "y"
    return table.drop(columns=["loan_percent_income"])


def arrow(table: pd.DataFrame) -> pa.RecordBatch:
    """The table as Arrow has it; NaN as no value. By lists: pandas warns of what pyarrow calls."""
    plain = {name: table[name].astype(object).where(table[name].notna(), None).tolist() for name in table.columns}
    plain["applied_at"] = pa.array(table["applied_at"].tolist(), pa.timestamp("us", "UTC"))
    return pa.RecordBatch.from_pydict(plain)


def write_parquet(table: pd.DataFrame, folder: Path, files: int = 2, group_rows: int = 100) -> Path:
    """The table as a folder of Parquet files of several row groups."""
    folder.mkdir()
    for place, part in enumerate(np.array_split(np.arange(len(table)), files)):
        rows = pa.Table.from_batches([arrow(table.iloc[part])])
        pq.write_table(rows, folder / f"{place}.parquet", row_group_size=group_rows)
    return folder


def a_package(folder: Path, source: str = "table") -> ScorerPackage:
    """The package of a bundle that is written there."""
    bundle.write(scorecard_parts(), CONTRACT, some_values(), folder)
    return ScorerPackage.of(folder, "4", CONTRACT, None, source)
