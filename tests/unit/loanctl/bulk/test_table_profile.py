"""The drift of a table is one report, however it was cut, and the one that a file's rows in memory give."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from drift.binning.reference import Reference
from drift.settings import DriftSettings
from loanctl.bulk.table_profile import TableCounter, table_report
from loanctl.file_checks.chunk_reports import FileReference, chunk_reports
from loanctl.file_checks.chunks import ChunkRule
from loanctl.file_checks.file_scoring import ScorecardOfFiles
from loanctl.simulation.loan_tables import Table
from schemas.codec.event_codec import as_record
from scorecard.bulk.process_engine import map_groups
from scorecard.bulk.row_groups import stored_table
from tests.builders import CONTRACT
from tests.unit.scorecard.bulk.applicants import a_package, a_table, write_parquet


@pytest.mark.parametrize("timed", [True, False])
def test_a_table_is_judged_as_the_same_file_in_memory_is(tmp_path: Path, timed: bool) -> None:
    table = a_table(2_000)
    table["loan_amnt"] = table["loan_amnt"].round(0)
    settings, package = DriftSettings.read(), a_package(tmp_path / "bundle")
    scorecard = package.scorer().champion.scorecard
    reference = Reference.of_scorecard(0, package.version, scorecard, CONTRACT)
    rows = table if timed else table.drop(columns="applied_at")
    if timed:
        found = stored_table(write_parquet(table, tmp_path / "rows", group_rows=300))
        counts = pa.concat_tables(map_groups(TableCounter(package), list(enumerate(found.groups)), 1))
    else:
        batches = [pa.RecordBatch.from_pydict({name: rows[name].astype(object).tolist() for name in rows.columns})]
        counts = pa.Table.from_batches(TableCounter(package).counts(iter(batches)))

    report = table_report(counts, reference, settings.rules().reporting)

    compared = FileReference(reference=reference, scorer=ScorecardOfFiles(scorecard, CONTRACT, package.scorer().policy))
    (in_memory,) = chunk_reports(Table("t", "t", rows), compared, ChunkRule(), settings)
    assert as_record(report) == as_record(in_memory.report)
    assert report.n == 2_000
    assert replace(report, n=1_999) != report
