"""`loanctl table`: decisions on tables of many applications, and their drift; by processes, or by a Spark cluster."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import pyarrow as pa
import typer

from drift.binning.reference import Reference
from drift.settings import DriftSettings
from loanctl.bulk.range_sample import RangeSample
from loanctl.bulk.table_profile import COUNTS, TableCounter, sum_of, table_report
from loanctl.console import Console, echo
from loanctl.decisions.offline import registered_version
from loanctl.file_checks.chunk_reports import BAD_DATA, exit_status
from loanctl.file_checks.table_ranges import ImplausibleRangeError, implausible_counts, require_plausible
from loanctl.reports.drift_table import show_report
from schemas.codec.event_codec import as_record
from schemas.contract.contract import Contract
from schemas.tables import arrow_columns
from scorecard.bulk.decision_folder import DecisionFolder, PartWriter
from scorecard.bulk.process_engine import map_groups
from scorecard.bulk.row_groups import StoredTable, stored_table
from scorecard.bulk.scorer_package import ScorerPackage
from scorecard.bulk.spark_engine import SparkTable, bulk_session
from streams.runtime import logs
from streams.worker.settings import ScoringSettings

CORES: Final = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Decide on tables of many applications, and count their drift."
)

Source = Annotated[Path, typer.Argument(help="A Parquet file, a folder of them, or a Delta table.")]
Bundle = Annotated[Path | None, typer.Option("--scorecard", help="Folder of a bundle; else the champion.")]
Processes = Annotated[int, typer.Option(min=1, help="Processes of this machine, each on a core.")]
Force = Annotated[bool, typer.Option("--force", help="Even if most values of a field lie in a tail of the reference.")]
Spark = Annotated[str, typer.Option("--spark", help="A Spark master, such as spark://host:7077, instead.")]


@app.command()
def score(  # noqa: PLR0913 - each argument is an option of the command
    source: Source,
    out: Annotated[Path, typer.Argument(help="A new folder, for decisions as Parquet files.")],
    bundle: Bundle = None,
    processes: Processes = CORES,
    spark: Spark = "",
    *,
    force: Force = False,
) -> None:
    """Decide on each row, with contributions, as the worker would; an interrupted run resumes."""
    began, console = time.monotonic(), Console(stderr=True)
    logs.configure("error", "table")
    settings = ScoringSettings.read()
    table = _open(source, settings.contract())
    package = _package(settings, bundle, source)
    if not force:
        require_plausible(RangeSample(package).implausible_fields(table), str(source))
    if spark:
        schema = package.scorer().schema
        SparkTable(bulk_session(spark), table).write(out, package.decisions, schema)
        rows = table.rows
    else:
        rows = _score_here(table, package, out, processes)
    console.print(f"{rows:,} rows decided in {time.monotonic() - began:.1f} s, of {table.rows:,}; {out} is whole")


@app.command()
def drift(  # noqa: PLR0913 - each argument is an option of the command
    source: Source,
    bundle: Bundle = None,
    processes: Processes = CORES,
    spark: Spark = "",
    *,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one line of JSON.")] = False,
) -> None:
    """Judge a table as one window against the scorecard's profile; exit status as of `loanctl drift check`."""
    logs.configure("error", "table")
    settings, monitored = ScoringSettings.read(), DriftSettings.read()
    contract = settings.contract()
    table = _open(source, contract)
    package = _package(settings, bundle, source)
    counter = TableCounter(package)
    if spark:
        parts = SparkTable(bulk_session(spark), table).collect(counter.counts, COUNTS)
    else:
        groups = list(enumerate(table.groups))
        parts = pa.concat_tables(map_groups(counter, groups, processes))
    scorecard = package.scorer().champion.scorecard
    reference = Reference.of_scorecard(0, package.version, scorecard, contract)
    try:
        require_plausible([] if force else implausible_counts(sum_of(parts["applications"]), reference), str(source))
    except ImplausibleRangeError as fault:
        echo(f"loanctl: {fault}", err=True)
        raise typer.Exit(BAD_DATA) from fault
    report = table_report(parts, reference, monitored.rules().reporting)
    if as_json:
        sys.stdout.write(json.dumps(as_record(report), default=str) + "\n")
    else:
        show_report(Console(), report, str(source))
    raise typer.Exit(exit_status([report]))


def _open(source: Path, contract: Contract) -> StoredTable:
    table = stored_table(source)
    arrow_columns.require_columns(contract, table.columns, str(source))
    return table


def _package(settings: ScoringSettings, folder: Path | None, source: Path) -> ScorerPackage:
    version = folder.name if folder else ""
    if folder is None:
        registered = registered_version(settings)
        folder, version = settings.model_registry().fetch(registered), registered.version
    return ScorerPackage.of(folder, version, settings.contract(), settings.policy(), str(source))


def _score_here(table: StoredTable, package: ScorerPackage, out: Path, processes: int) -> int:
    """Rows that this run decided: none of those that an earlier one did."""
    policy = package.scorer().policy.version
    about = {"input": table.digest, "scorecard": package.digest, "version": package.version, "policy": policy}
    folder = DecisionFolder(out, about)
    folder.open()
    if folder.whole:
        return 0
    writer = PartWriter(package, folder)
    rows = sum(map_groups(writer, folder.missing_parts(table.groups), processes))
    folder.finish({"rows": table.rows})
    return rows
