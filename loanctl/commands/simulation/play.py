"""`loanctl play`: plays a file, or made-up applicants, onto the topics. How: `loanctl.simulation.playback`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from loanctl.commands.simulation.population import Rows, Seed, pairs
from loanctl.console import Console
from loanctl.reports.decision_wait import await_decisions
from loanctl.simulation import loan_tables, playback, synthetic_population
from loanctl.simulation.loan_tables import Table
from loanctl.simulation.playback import PlaybackResult, Script
from schemas.contract.contract import Contract
from schemas.records import OutgoingRecord
from streams.kafka.producer.event_publisher import EventPublisher
from streams.runtime.settings import Connection

SOURCE: Final = "/loanctl/play"
UNPACED_SPACING_MS: Final = 1.0
"""Event time between applications where neither rate nor spacing is given."""

Data = Annotated[Path | None, typer.Option(help="A table with the contract's columns; else made up.")]
Rate = Annotated[float | None, typer.Option(min=0.001, help="Applications a second; by default as fast as possible.")]
Shuffle = Annotated[int | None, typer.Option(help="Shuffle the rows by this seed; else in the file's order.")]
Outcomes = Annotated[
    bool,
    typer.Option("--outcomes", help="Also play the outcomes of approved loans that are mature."),
]
AllOutcomes = Annotated[
    bool,
    typer.Option("--all-outcomes", help="Play every outcome at once, declined applicants' too."),
]
Start = Annotated[
    datetime | None,
    typer.Option(help="When the first was signed, UTC; by default now, or so that the last was signed now."),
]
Spacing = Annotated[float | None, typer.Option(min=0, help="Event time from one to the next; else 1000/rate.")]
Multiply = Annotated[list[str] | None, typer.Option(help="FIELD=FACTOR; its ratios follow. Repeatable.")]


class OutcomeChoice(StrEnum):
    NONE = "none"
    APPROVED = "approved"
    """Of mature loans, once their applications are decided."""
    ALL = "all"
    """Beside each application."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Playback:
    """What to play, and how."""

    table: Table
    script: Script
    rate: float | None
    outcomes: OutcomeChoice


def play(  # noqa: PLR0913 - each argument is an option of the command
    data: Data = None,
    rate: Rate = None,
    shuffle_seed: Shuffle = None,
    outcomes: Outcomes = False,
    all_outcomes: AllOutcomes = False,
    start: Start = None,
    spacing_ms: Spacing = None,
    multiply: Multiply = None,
    rows: Rows = 10_000,
    seed: Seed = 1,
) -> None:
    """Play applications onto the applications topic: those of a file, or --rows made-up ones."""
    connection = Connection.read()
    contract = connection.contract()
    dialect = connection.table_dialect()
    table = loan_tables.read(data, contract, dialect) if data else synthetic_table(contract, rows, seed)
    spacing = timedelta(milliseconds=_spacing_ms(rate) if spacing_ms is None else spacing_ms)
    # Faster than time, event time would run ahead of ours: drift takes that for a clock that is wrong.
    paced = rate is not None and spacing_ms is None
    began = datetime.now(UTC) - (timedelta() if paced else len(table) * spacing)
    performance = Playback(
        table=loan_tables.scale_columns(table, contract, pairs(multiply or [])),
        script=Script(
            start=(start or began).replace(tzinfo=UTC),
            spacing=spacing,
            shuffle_seed=shuffle_seed,
        ),
        rate=rate,
        outcomes=OutcomeChoice.ALL if all_outcomes else OutcomeChoice.APPROVED if outcomes else OutcomeChoice.NONE,
    )
    console = Console(soft_wrap=True)
    if performance.outcomes is OutcomeChoice.APPROVED:
        # A label that is none is refused before anything is played.
        loan_tables.default_flags(performance.table, contract)
    played = play_with_progress(performance, connection, Console(stderr=True))
    outcomes_clause = f" and {played.outcomes:,} outcomes" if all_outcomes else ""
    console.print(
        f"{played.applications:,} applications{outcomes_clause} on {connection.topics().applications.name} "
        f"in {played.seconds:.1f} s ({played.per_second:,.0f}/s), all acknowledged"
    )

    if performance.outcomes is OutcomeChoice.APPROVED:
        console.print(_tell_outcomes(performance, connection))


def _tell_outcomes(performance: Playback, connection: Connection) -> str:
    """Publish the outcomes of approved loans; in words how many."""
    table, script, contract = performance.table, performance.script, connection.contract()
    writing = playback.playback_codec(connection)
    names = {playback.application_id(table, row) for row in range(len(table))}
    decisions = await_decisions(connection, names)
    mature = playback.mature_ids(table, script, contract.label.outcome_after_days, datetime.now(UTC))
    granted = decisions.approved & mature
    with EventPublisher(connection, SOURCE) as publisher:
        records = playback.outcomes(table, script, writing, granted)
        sent = publisher.send(record for record in records if record is not None)
    waiting = len(names) - len(decisions.decided)
    undecided = f"; {waiting:,} have no decision yet: is a worker running?" if waiting else ""
    immature = len(decisions.approved) - len(granted)
    young = f"; {immature:,} loans are younger than {contract.label.outcome_after_days} days" if immature else ""
    return f"{sent:,} outcomes of {len(decisions.approved):,} approved loans{young}{undecided}"


def synthetic_table(contract: Contract, rows: int, seed: int) -> Table:
    """A made-up table, as if it had been read from a file.

    Raises:
        TableError: the product's columns are not those of the made-up applicants.
    """
    name = f"made-up-{seed}-{rows}"
    return loan_tables.check_table(Table(name, name, synthetic_population.applicants(rows, seed)), contract)


def play_with_progress(performance: Playback, connection: Connection, console: Console) -> PlaybackResult:
    """Play with a progress bar, which a console that is no terminal does not show.

    Raises:
        LoanError: of its three families, as `loanctl.simulation.playback` says.
    """
    table, script, writing = performance.table, performance.script, playback.playback_codec(connection)
    parts: list[Iterator[OutgoingRecord | None]] = [playback.applications(table, script, writing)]
    if performance.outcomes is OutcomeChoice.ALL:
        parts.append(playback.outcomes(table, script, writing))
    bar = Progress(
        TextColumn("playing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar, EventPublisher(connection, SOURCE) as publisher:
        task = bar.add_task("playing", total=len(table))
        return playback.play(parts, publisher, performance.rate, lambda sent: bar.update(task, completed=sent))


def _spacing_ms(rate: float | None) -> float:
    return UNPACED_SPACING_MS if rate is None else 1000.0 / rate
