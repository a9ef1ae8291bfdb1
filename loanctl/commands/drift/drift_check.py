"""`loanctl drift check`: a file as windows, for pipelines that must stop on drift; needs no Kafka."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from drift.settings import DriftSettings
from drift.windows.window_grid import Calendar
from loanctl.console import Console, echo
from schemas.codec.event_codec import as_record
from schemas.tables.table_errors import TableError

if TYPE_CHECKING:
    from loanctl.file_checks.chunk_reports import ChunkReport

FORCE: Final = "Even where most values of a field lie in a tail of the reference."


def check(  # noqa: PLR0913 - each argument is an option of the command
    file: Annotated[Path, typer.Option(help="A table (CSV, Parquet, Excel) with the contract's columns.")],
    against: Annotated[Path | None, typer.Option(help="Another file; else the scorecard's profile.")] = None,
    scorecard: Annotated[
        Path | None, typer.Option(help="Folder of a bundle; else the champion, or none where --against is named.")
    ] = None,
    chunks: Annotated[int, typer.Option(min=0, help="Judge this many parts of equal size.")] = 0,
    chunk_rows: Annotated[int, typer.Option(min=0, help="Judge parts of this many rows.")] = 0,
    by: Annotated[Calendar, typer.Option(help="Judge each day, week or month.")] = Calendar.NONE,
    time_column: Annotated[str, typer.Option(help="Column of event times; else the contract's.")] = "",
    html: Annotated[Path | None, typer.Option(help="Write one self-contained page, too.")] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help=FORCE)] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each part.")] = False,
) -> None:
    """Judge a file, or its parts, as windows; exit status 3: drifted, 4: too few to say, 5: bad data."""
    # Pandas is of no use to the other commands.
    from loanctl.file_checks import chunk_reports
    from loanctl.file_checks.chunks import ChunkRule
    from loanctl.reports.file_check import by_file
    from loanctl.simulation import loan_tables

    settings = DriftSettings.read()
    contract, dialect = settings.contract(), settings.table_dialect()
    rule = ChunkRule(chunks, chunk_rows, by, settings.window_time_zone)
    try:
        other = loan_tables.read(against, contract, dialect) if against else None
        if other is not None and scorecard is None:
            compared = chunk_reports.FileReference(reference=by_file(other, settings))
        else:
            from loanctl.file_checks.file_scoring import scored_reference

            compared = scored_reference(other, scorecard, settings)
        compared = replace(compared, as_is=force)
        if other is not None:
            compared = replace(compared, rows=chunk_reports.rows_by_hour(other, settings, time_column))
        table = loan_tables.read(file, contract, dialect)
        found = chunk_reports.chunk_reports(table, compared, rule, settings, time_column)
    except TableError as fault:
        echo(f"loanctl: {fault}", err=True)
        raise typer.Exit(chunk_reports.BAD_DATA) from fault
    _print(found, str(file), as_json=as_json)
    if html:
        _write_page(found, html)
    raise typer.Exit(chunk_reports.exit_status([each.report for each in found]))


def _print(found: "Sequence[ChunkReport]", name: str, *, as_json: bool) -> None:
    from loanctl.reports.drift_table import show_report

    if as_json:
        for each in found:
            performance = as_record(each.performance) if each.performance else None
            spoken = {**as_record(each.report), "performance": performance}
            # In a file without times rows stand where a window has times.
            line = spoken if each.timed else {**spoken, "window_start": None, "window_end": None, "rows": each.rows}
            sys.stdout.write(json.dumps(line, default=str) + "\n")
        return
    for each in found:
        part = f" {each.span}" if len(found) > 1 else ""
        show_report(Console(), each.report, f"{name}{part}")
    if found[0].performance is not None:
        from loanctl.file_checks.file_scoring import performance_summary
        from loanctl.reports import performance_table

        performance_table.show(performance_table.console(), performance_summary(found, datetime.now(UTC)))


def _write_page(found: "Sequence[ChunkReport]", html: Path) -> None:
    from loanctl.file_checks.file_scoring import performance_summary
    from loanctl.reports import drift_html
    from loanctl.reports.lineage import Lineage

    html.parent.mkdir(parents=True, exist_ok=True)
    summary, of_rows = performance_summary(found, datetime.now(UTC)), not found[0].timed
    page = drift_html.page([Lineage(each.report) for each in found], summary, of_rows=of_rows)
    html.write_text(page, encoding="utf-8")
