"""Tables mapped by a Spark cluster: Arrow batches go to Python on the executors, by `mapInArrow`.

The cluster's Python needs this package, as for distributed training. PySpark is the extra `spark`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from scorecard.bulk.row_groups import BATCH_ROWS, StoredTable
from scorecard.bulk.spark_session import SparkError, on_cluster, session

PROPERTIES: Final = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH_ROWS),
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
}
"""As much at once, and the same values, as a process of this machine reads."""

FAILED: Final = "Spark failed"

BatchMap = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def bulk_session(master: str) -> Any:
    """A session on a cluster: `spark://host:port`, `local[2]`, or whatever else Spark takes.

    Raises:
        SparkError: PySpark is not installed, or the cluster does not answer.
    """
    return session("--spark", {"spark.master": master, "spark.app.name": "loan-decisions", **PROPERTIES})


@dataclass(frozen=True, slots=True)
class SparkTable:
    """A table on disk, mapped by a session: each partition on one core of the cluster, which sees the same disk."""

    session: Any
    table: StoredTable

    def write(self, out: Path, function: BatchMap, schema: pa.Schema) -> None:
        """Writes what a function makes of the table's batches, as a folder of Parquet files.

        Raises:
            SparkError: a task failed on the cluster, or the folder is there already.
        """
        if out.exists():
            problem = f"{out}: is there already; a run of Spark's cannot go on: name a new folder"
            raise SparkError(problem)
        on_cluster(lambda: self._frame(function, schema).write.parquet(str(out.absolute())), FAILED)

    def collect(self, function: BatchMap, schema: pa.Schema) -> pa.Table:
        """What a function makes of the table's batches, here: for a function that makes little of much.

        Raises:
            SparkError: a task failed on the cluster.
        """
        found: pa.Table = on_cluster(lambda: self._frame(function, schema).toArrow(), FAILED)
        return found

    def _frame(self, function: BatchMap, schema: pa.Schema) -> Any:
        from pyspark.sql.pandas.types import from_arrow_schema

        paths = [str(Path(path).absolute()) for path in self.table.paths]
        rows = self.session.read.option("basePath", str(self.table.folder.absolute())).parquet(*paths)
        return rows.mapInArrow(function, from_arrow_schema(schema))
