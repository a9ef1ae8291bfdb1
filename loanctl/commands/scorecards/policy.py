"""`loanctl policy what-if`: past decisions under other cut-offs. What it comes to: `scorecard.policy_effect`."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from loanctl.console import Console
from loanctl.reports import swap_table
from loanctl.reports.decision_log import Span, first_decisions, span
from schemas.codec.projection import Projection
from schemas.events.decisions import LoanDecision, Outcome
from scorecard.costs import Costs
from scorecard.policy import Policy
from scorecard.policy_effect import DECIDED, Bill, Effect, PastDecision, effect
from training.rows import labelled_events
from training.settings import TrainingSettings

NEEDED: Final = ("application_id", "outcome", "probability", "approve_below", "decline_from")
MOST: Final = 200_000
"""Some hundred bytes each, twice while they are read; more move no share in its third decimal."""

app = typer.Typer(add_completion=False, no_args_is_help=True, help="What other cut-offs would do.")

Since = Annotated[datetime | None, typer.Option(help="Decided at this time or later, UTC.")]
Until = Annotated[datetime | None, typer.Option(help="Decided before this time, UTC.")]
Most = Annotated[int, typer.Option(min=1, help="Number of latest decisions; all are held in memory.")]
AsJson = Annotated[bool, typer.Option("--json", help="As one line of JSON.")]
Below = Annotated[float | None, typer.Option(help="APPROVE below it; by default the latest decision's.")]
From = Annotated[float | None, typer.Option(help="DECLINE from it on; by default the latest decision's.")]


@app.callback()
def policy() -> None:
    """What other cut-offs would do."""


@app.command(name="what-if")
def what_if(  # noqa: PLR0913 - each argument is an option of the command
    approve_below: Below = None,
    decline_from: From = None,
    since: Since = None,
    until: Until = None,
    most: Most = MOST,
    as_json: AsJson = False,
) -> None:
    """Show which past applicants would have another outcome under other cut-offs, and what it would cost."""
    settings = TrainingSettings.read()
    if approve_below is None and decline_from is None:
        problem = "give --approve-below, --decline-from or both"
        raise typer.BadParameter(problem)
    costs = settings.costs()
    past = _past(settings, span(since, until, most))
    latest = past[-1]
    chosen = Policy(
        approve_below=latest["approve_below"] if approve_below is None else approve_below,
        decline_from=latest["decline_from"] if decline_from is None else decline_from,
    )
    found = effect([_past_decision(one) for one in past], chosen, labelled_events.known_outcomes(settings), costs)
    if as_json:
        sys.stdout.write(json.dumps(found.plain()) + "\n")
    else:
        _show(Console(highlight=False, width=None if sys.stdout.isatty() else swap_table.WIDE), found, costs)


def _past(settings: TrainingSettings, chosen: Span) -> Sequence[Mapping[str, Any]]:
    topic = settings.topics().decisions
    past = first_decisions(settings, topic, Projection(LoanDecision, NEEDED), chosen)
    return list(past.decisions.values())


def _past_decision(decision: Mapping[str, Any]) -> PastDecision:
    return PastDecision(
        application_id=decision["application_id"],
        outcome=Outcome(decision["outcome"]),
        probability=decision["probability"],
    )


def _show(console: Console, found: Effect, costs: Costs) -> None:
    chosen = found.policy
    console.print(
        f"{found.decisions:,} decisions, {found.change_count:,} would change under {chosen.version}: "
        f"approve below {chosen.approve_below:g}, decline from {chosen.decline_from:g}",
        soft_wrap=True,
    )
    if found.not_scored:
        console.print(f"{found.not_scored:,} were not scored: no cut-off changes them", soft_wrap=True)
    console.print(_outcomes(found), swap_table.lines(found.changes), _costs(found))
    console.print(
        f"in lost good loans: a default approved {costs.default:g}, a person's look {costs.review:g}, "
        "a good loan declined 1",
        soft_wrap=True,
    )


def _outcomes(found: Effect) -> Table:
    lines = Table("outcome", "decided", "would be", box=None)
    for outcome in DECIDED:
        lines.add_row(outcome.value, f"{found.before[outcome]:,}", f"{found.after[outcome]:,}")
    return lines


def _costs(found: Effect) -> Table:
    lines = Table("cost by", "decisions", "was", "would be", "difference", box=None)
    bills: dict[str, Bill] = {
        "true outcomes": found.by_outcome,
        "calibrated probability": found.by_probability,
        "together": found.total,
    }
    for name, bill in bills.items():
        figures = (f"{bill.before:,.1f}", f"{bill.after:,.1f}", f"{bill.after - bill.before:+,.1f}")
        lines.add_row(name, f"{bill.decisions:,}", *figures)
    return lines
