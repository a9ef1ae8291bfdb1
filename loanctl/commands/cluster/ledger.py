"""`loanctl ledger`: the tables made, asked how far they are, and held against the topics."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from ledger.audit.anchor import current_links, read_anchors, write_anchor
from ledger.audit.archive import archive, days_over
from ledger.audit.chain_verification import verify
from ledger.audit.topic_comparison import PartitionCheck, check
from ledger.ingest.recorded_topics import row_makers
from ledger.ingest.store import Store
from ledger.query.rates import (
    ApprovalRate,
    DefaultRate,
    OverrideRate,
    TimeSpan,
    approval_rate,
    default_rate,
    override_rate,
)
from ledger.settings import LedgerSettings
from ledger.sql.database import Database
from ledger.sql.migrate import migrate, require_current
from loanctl.console import FINDING, Console, echo
from streams.kafka.topics.topic_reader import partition_ranges

WIDE: Final = 160
"""Where nobody's terminal sets a width."""
SHOWN: Final = 3
"""Offsets named of each kind of difference."""

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Decisions and all that follows, in SQL.")
AsJson = Annotated[bool, typer.Option("--json", help="As one line of JSON.")]


Rate = ApprovalRate | OverrideRate | DefaultRate
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of the application's time, UTC.")]


@app.callback()
def ledger() -> None:
    """Decisions and all that follows, in SQL."""


@app.command(name="migrate")
def migrate_command() -> None:
    """Make the ledger's tables and views, or bring them up to date."""
    settings = LedgerSettings.read()
    echo(f"tables at {migrate(_database(settings))}")


@app.command()
def status(*, as_json: AsJson = False) -> None:
    """Show how far each partition is recorded."""
    settings = LedgerSettings.read()
    database = _database(settings)
    require_current(database)
    topics = list(row_makers(settings.topics()))
    known = Store(database).positions(topics)
    rows = []
    for extent in partition_ranges(settings, topics):
        position = known.get((extent.topic, extent.partition))
        rows.append(
            {
                "topic": extent.topic,
                "partition": extent.partition,
                "recorded_to": position.next_offset if position else None,
                "behind": extent.end - max(extent.first, position.next_offset if position else 0),
                "rows": position.records if position else 0,
                "passed_over": position.passed_over if position else 0,
                "missed": position.missed if position else 0,
            }
        )
    _tell(rows, as_json=as_json)


@app.command(name="check")
def check_command(*, as_json: AsJson = False) -> None:
    """Compare the ledger with the topics, record by record; exit status 3 if they differ."""
    settings = LedgerSettings.read()
    database = _database(settings)
    require_current(database)
    found = check(settings, database, row_makers(settings.topics()))
    _tell([_summary(each) for each in found], as_json=as_json)
    if not all(each.equal for each in found):
        raise typer.Exit(FINDING)


@app.command(name="rates")
def rates_command(
    *,
    since: Day = None,
    until: Day = None,
    scorecard_version: Annotated[str, typer.Option(help="Only decisions by this version.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show the rates of approval, of overrides by reviewers and of default; none of fewer than ten applications."""
    database = _database(LedgerSettings.read())
    require_current(database)
    begin, end = (day and day.replace(tzinfo=UTC) for day in (since, until))
    span = TimeSpan(since=begin, until=end, scorecard_version=scorecard_version or None)
    with database.read_transaction() as connection:
        found: dict[str, Rate] = {
            "approval": approval_rate(connection, span),
            "override": override_rate(connection, span),
            "default": default_rate(connection, span),
        }
    if as_json:
        echo(json.dumps({name: {"rate": each.rate, **asdict(each)} for name, each in found.items()}))
    else:
        _tell([_rate_line(name, each) for name, each in found.items()], as_json=False)


@app.command(name="verify")
def verify_command(
    *,
    anchors: Annotated[
        str, typer.Option(help="Folder or URL of anchors, or one of them, that the chain must hold.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Recompute the hash chain; exit status 3 if a row was changed, deleted or inserted."""
    database = _database(LedgerSettings.read())
    require_current(database)
    found = verify(database, read_anchors(anchors) if anchors else ())
    _tell([{**asdict(each), "whole": each.whole} for each in found], as_json=as_json)
    if not all(each.whole for each in found):
        raise typer.Exit(FINDING)


@app.command(name="anchor")
def anchor_command(
    *,
    to: Annotated[str, typer.Option(help="Folder or URL to keep it in, a file a day; else it is printed only.")] = "",
    as_json: AsJson = False,
) -> None:
    """Print the last link of every partition's hash chain, to be kept where the ledger's writers cannot write."""
    database = _database(LedgerSettings.read())
    require_current(database)
    today = datetime.now(UTC).date()
    links = current_links(database, today)
    if to:
        kept = write_anchor(links, to, today)
        echo(f"{kept.path}: {'written' if kept.fresh else 'there already, and left as it is'}")
    else:
        _tell([asdict(each) for each in links], as_json=as_json)


@app.command(name="archive")
def archive_command(
    to: Annotated[str, typer.Option(help="Folder of the archive, or a URL: s3://BUCKET/PATH.")],
    before: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Days before this one, UTC; yesterday by default.")
    ] = None,
) -> None:
    """Write a Parquet file for each day and table that has none yet, or has grown."""
    database = _database(LedgerSettings.read())
    require_current(database)
    end = before.date() if before else days_over(datetime.now(UTC).date())
    for written in archive(database, to, end):
        echo(f"{written.path}: {written.rows} rows")


def _database(settings: LedgerSettings) -> Database:
    return Database(settings.ledger_url.get_secret_value())


def _summary(found: PartitionCheck) -> dict[str, Any]:
    return {**asdict(found), "absent": _few(found.absent), "foreign": _few(found.foreign), "equal": found.equal}


def _rate_line(name: str, found: Rate) -> dict[str, Any]:
    parts = ", ".join(
        f"{count} {part.replace('_', ' ')}" for part, count in asdict(found).items() if type(count) is int
    )
    return {"of": name, "rate": None if found.rate is None else f"{found.rate:.1%}", "counts": parts}


def _few(offsets: Sequence[int]) -> str:
    named = ", ".join(map(str, offsets[:SHOWN]))
    return f"{len(offsets)}: {named}{', ...' if len(offsets) > SHOWN else ''}" if offsets else "0"


def _tell(rows: Iterable[dict[str, Any]], *, as_json: bool) -> None:
    lines = list(rows)
    if as_json:
        echo(json.dumps(lines))
        return
    table = Table()
    for name in lines[0] if lines else ():
        table.add_column(name.replace("_", " "), justify="left" if name == "topic" else "right")
    for line in lines:
        table.add_row(*("-" if cell is None else str(cell) for cell in line.values()))
    (Console() if sys.stdout.isatty() else Console(width=WIDE)).print(table)
