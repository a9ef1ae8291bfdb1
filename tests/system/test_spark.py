"""A Spark cluster decides, counts drift and searches as processes of this machine do. Minutes: `make chaos`."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drift.binning.reference import Reference
from drift.settings import DriftSettings
from loanctl.bulk.table_profile import COUNTS, TableCounter, table_report
from schemas.codec.event_codec import as_record
from scorecard.bulk.decision_folder import DecisionFolder, PartWriter
from scorecard.bulk.process_engine import map_groups
from scorecard.bulk.row_groups import stored_table
from scorecard.bulk.spark_engine import SparkTable, bulk_session
from tests.builders import CONTRACT
from tests.system.spark_cluster import PYSPARK, spark_cluster
from tests.unit.scorecard.bulk.applicants import a_package, a_table, write_parquet
from tests.unit.training.search.test_search import search_data
from training.search.budget import Budget
from training.search.search import search

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(not (PYSPARK / "pyspark").is_dir(), reason="no build/spark: `make chaos` makes it"),
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas", "ignore::DeprecationWarning"),
]


def test_spark_and_processes_give_the_same_decisions_and_the_same_report(tmp_path: Path) -> None:
    table, package = stored_table(write_parquet(a_table(3_000), tmp_path / "rows")), a_package(tmp_path / "bundle")
    folder = DecisionFolder(tmp_path / "here", {"input": table.digest})
    folder.open()
    groups = list(enumerate(table.groups))
    assert sum(map_groups(PartWriter(package, folder), groups, 2)) == 3_000
    counts = pa.concat_tables(map_groups(TableCounter(package), groups, 2))

    with spark_cluster(tmp_path / "spark") as master:
        there = SparkTable(bulk_session(master), table)
        there.write(tmp_path / "there", package.decisions, package.scorer().schema)
        counted = there.collect(TableCounter(package).counts, COUNTS)

    here = pq.read_table(folder.path).sort_by("application_id")
    spark = pq.read_table(tmp_path / "there").sort_by("application_id").select(here.column_names)
    assert spark.cast(here.schema).combine_chunks().equals(here.combine_chunks())
    card = package.scorer().champion.scorecard
    reference = Reference.of_scorecard(0, package.version, card, CONTRACT)
    reports = [table_report(one, reference, DriftSettings.read().rules().reporting) for one in (counts, counted)]
    assert as_record(reports[0]) == as_record(reports[1])
    assert reports[0].n == 3_000


def test_a_search_on_a_cluster_of_two_workers_is_that_of_one_machine(tmp_path: Path) -> None:
    own = {"trials": 6, "folds": 2, "most_trees": 10, "jobs": 1}
    here = search(search_data(), Budget(batch=3, **own))

    with spark_cluster(tmp_path / "spark") as master:
        bulk_session(master)
        there = search(search_data(), Budget(spark=3, **own))

    told = [[replace(trial, seconds=0.0) for trial in found.trials] for found in (here, there)]
    assert told[0] == told[1]
    assert here.best.choice == there.best.choice
