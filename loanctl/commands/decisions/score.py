"""`loanctl score`: decisions on a file of applications, through the topics or by the core alone; can be resumed."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Protocol

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from loanctl.console import Console
from loanctl.decisions import file_rows
from loanctl.decisions.decision_client import DecisionClient
from loanctl.decisions.offline import OfflineScorer, load_champion
from loanctl.decisions.score_journal import ScoreJournal, row_of
from loanctl.file_checks.table_ranges import require_plausible
from loanctl.simulation import loan_tables
from loanctl.simulation.loan_tables import Table
from schemas.contract.contract import Contract
from schemas.errors import OutageError, SetupError
from schemas.tables import columns
from scorecard.decisions.scoring import RegisteredScorecard
from scorecard.plausible_range import implausible_inputs
from streams.runtime import logs
from streams.runtime.settings import Connection
from streams.worker.settings import ScoringSettings

SOURCE: Final = "/loanctl/score"
FORCE: Final = "Decide even if most values of a field lie in a tail of the champion's population."
BLOCK: Final = 2_000
"""Applications in flight at once, and rows that an interrupted run may ask for again."""


class Scorer(Protocol):
    """What gives decisions."""

    def __call__(self, records: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """On each application, in any order."""


def score(
    file: Annotated[Path, typer.Argument(help="Applications as CSV, JSON lines, Parquet or Excel.")],
    out: Annotated[Path, typer.Option(help="Decisions, as .csv, .jsonl or .parquet.")],
    offline: Annotated[bool, typer.Option("--offline", help="By the champion here; nothing is published.")] = False,
    patience_s: Annotated[float, typer.Option(min=0.1, help="Seconds without a decision to wait.")] = 60.0,
    *,
    force: Annotated[bool, typer.Option("--force", help=FORCE)] = False,
) -> None:
    """Decide on each application of a file, under its own ids and times; OUT.done says that OUT is whole.

    Stops before any decision if most values of a scored field lie in a tail of the champion's population.
    """
    began, console = time.monotonic(), Console(stderr=True)
    logs.configure("error", "score")
    settings = ScoringSettings.read()
    contract = settings.contract()
    table = loan_tables.read(file, contract, settings.table_dialect())
    champion = _champion(settings, console, offline=offline) if offline or not force else None
    if champion is not None and not force:
        _require_plausible(table, contract, champion)
    with _scorer(settings, patience_s, champion if offline else None) as (way, scorer):
        journal = ScoreJournal(out, {"input": table.digest, "way": way})
        facts = journal.marker_facts
        if facts is not None:
            journal.discard()
            console.print(f"{out} is whole already: {facts['rows']:,} rows")
            return
        records = file_rows.applications(table, contract, datetime.now(UTC))
        ids = [str(record[contract.id_field]) for record in records]
        left = [record for record, name in zip(records, ids, strict=True) if name not in journal.rows]
        _decide(left, scorer, journal, console)
    seconds = time.monotonic() - began
    journal.finish(ids, {"rows": len(ids), "resumed_from": len(ids) - len(left), "seconds": round(seconds, 1)})
    console.print(f"{len(ids):,} decisions in {out} after {seconds:.1f} s; {journal.marker} says so", highlight=False)


def _champion(settings: ScoringSettings, console: Console, *, offline: bool) -> RegisteredScorecard | None:
    """The champion; through the topics None, and a line, where it cannot be read here.

    The worker that decides there has its own copy, and needs neither MLflow nor the rights of this process.

    Raises:
        SetupError, OutageError: offline, as of `load_champion`.
    """
    try:
        return load_champion(settings)
    except (SetupError, OutageError) as fault:
        if offline:
            raise
        console.print(f"ranges are not compared with the champion's population: {fault}", highlight=False, markup=False)
        return None


def _require_plausible(table: Table, contract: Contract, champion: RegisteredScorecard) -> None:
    """Compare with the champion's population.

    Raises:
        ImplausibleRangeError: most values of a field lie in a tail.
    """
    values = columns.values(contract, table.rows, table.name, table.dialect)
    require_plausible(implausible_inputs(champion.scorecard, contract, values), table.name)


def _decide(left: Sequence[Mapping[str, Any]], scorer: Scorer, journal: ScoreJournal, console: Console) -> None:
    columns = (TextColumn("deciding"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("deciding", total=len(left))
        for start in range(0, len(left), BLOCK):
            block = left[start : start + BLOCK]
            journal.add(row_of(decision) for decision in scorer(block))
            bar.update(task, advance=len(block))


@contextmanager
def _scorer(
    settings: ScoringSettings, patience_s: float, champion: RegisteredScorecard | None
) -> Iterator[tuple[str, Scorer]]:
    """How decisions are had, by this champion or (None) through the topics, and a word for it that two runs share."""
    if champion is not None:
        scorer = OfflineScorer(settings, champion)
        yield f"offline {scorer.digest}", lambda records: iter(scorer.decisions(records))
        return
    topic = settings.topics().applications.name
    with DecisionClient(Connection.read(), SOURCE) as client:
        yield topic, lambda records: (decided.decision for decided in client.decisions(records, patience_s))
