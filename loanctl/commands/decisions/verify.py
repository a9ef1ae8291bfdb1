"""`loanctl verify`: held-out rows through the topics of an installed system; what it is held to: `acceptance_test`."""

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from loanctl.commands.simulation.play import synthetic_table
from loanctl.console import Console
from loanctl.decisions import file_rows
from loanctl.decisions.acceptance_test import Answer, Limits, Verification, verification
from loanctl.decisions.decision_client import DecisionClient, DecisionTimeoutError
from loanctl.simulation import loan_tables
from streams.runtime import logs
from streams.runtime.settings import Connection

SOURCE: Final = "/loanctl/verify"
AT_ONCE: Final = 50
"""Applications in flight: as busy upstream systems send them, so that times are not those of a burst."""
HELD_OUT_SEED: Final = 1_000_003
"""Of made-up rows that no training with the usual seeds has seen."""


def verify(  # noqa: PLR0913 - each argument is an option of the command
    data: Annotated[Path | None, typer.Option(help="Held-out rows with labels; else made up.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="How many.")] = 1_000,
    p99_ms: Annotated[float, typer.Option(min=0, help="Limit of the 99th percentile of the latency.")] = 2_000.0,
    min_auc: Annotated[float, typer.Option(min=0, max=1, help="At least.")] = 0.7,
    out: Annotated[Path | None, typer.Option(help="The report as JSON, too.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    patience_s: Annotated[float, typer.Option(min=0.1, help="Seconds without a decision to wait.")] = 30.0,
) -> None:
    """Send rows with known outcomes through the topics, and check the answers; exit status 1 if a check fails."""
    logs.configure("error", "verify")
    connection = Connection.read()
    contract = connection.contract()
    table = (
        loan_tables.read(data, contract, connection.table_dialect())
        if data
        else synthetic_table(contract, rows, HELD_OUT_SEED)
    )
    now = datetime.now(UTC)
    records = file_rows.applications(table, contract, now)[:rows]
    for place, record in enumerate(records):
        # Of its own each time: an application that was decided before would be answered twice.
        record[contract.id_field] = f"verify-{now:%Y%m%d%H%M%S}-{place}"
    ends = dict(
        zip((each[contract.id_field] for each in records), loan_tables.default_flags(table, contract), strict=False)
    )
    answers = _answers(connection, records, patience_s)
    found = verification(
        len(records),
        [
            Answer(decision=decision, milliseconds=took, defaulted=ends[decision["application_id"]])
            for decision, took in answers
        ],
        Limits(p99_ms=p99_ms, min_auc=min_auc),
    )
    _tell(found, out, as_json=as_json)
    if not found.passed:
        raise typer.Exit(1)


def _answers(connection: Connection, records: Sequence[Any], patience_s: float) -> list[tuple[Any, float]]:
    """Decisions and times; without those that did not come in time."""
    found: list[tuple[Any, float]] = []
    with DecisionClient(connection, SOURCE) as client:
        for block in _blocks(records):
            try:
                found.extend((each.decision, each.milliseconds) for each in client.decisions(block, patience_s))
            except DecisionTimeoutError:
                # The report says how many are missing.
                break
    return found


def _blocks(records: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(records), AT_ONCE):
        yield records[start : start + AT_ONCE]


def _tell(found: Verification, out: Path | None, *, as_json: bool) -> None:
    text = json.dumps(found.plain(), indent=2) + "\n"
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    if as_json:
        sys.stdout.write(text)
        return
    console = Console(highlight=False)
    for each in found.findings:
        console.print(f"{'pass' if each.passed else 'FAIL'}  {each.name}: {each.seen}")
    figures = ", ".join(f"{name} {value:g}" for name, value in found.figures.items())
    console.print(f"{'passed' if found.passed else 'FAILED'}: {found.rows:,} rows; {figures}")
