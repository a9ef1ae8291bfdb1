"""`loanctl challenger report`: the challenger against the champion, from what both said of the same applications.

The worker publishes what a challenger would have said on the shadow topic. What the two come to:
`loanctl.reports.challenger_comparison`.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from loanctl.console import Console
from loanctl.reports import swap_table
from loanctl.reports.challenger_comparison import Comparison, Interval, Pair, Statement, comparison
from loanctl.reports.decision_log import NothingDecidedError, Span, first_decisions, latest_decision, span
from schemas.codec.projection import Projection
from schemas.events.decisions import ContributionSpace, LoanDecision, Outcome
from training.rows import labelled_events
from training.settings import TrainingSettings

FIELDS: Final = (
    "application_id",
    "outcome",
    "probability",
    "contribution_space",
    "scorecard_version",
    "scorecard_family",
)
LISTS: Final = {"contributions": ("feature", "contribution"), "reasons": ("code",)}
MOST: Final = 50_000
"""Some kilobytes each, twice: more tell nothing new."""
APART: Final = timedelta(days=1)
"""Both decide in one batch; after an outage one of the two may come later."""

Decisions = Mapping[str, Mapping[str, Any]]
"""By application id."""

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Compare the challenger with the champion.")

Since = Annotated[datetime | None, typer.Option(help="Decided at this time or later, UTC.")]
Until = Annotated[datetime | None, typer.Option(help="Decided before this time, UTC.")]
Most = Annotated[int, typer.Option(min=1, help="Number of this challenger's latest decisions.")]
Version = Annotated[str, typer.Option(help="The challenger's version; by default that of its latest decision.")]
AsJson = Annotated[bool, typer.Option("--json", help="As one line of JSON.")]


@dataclass(frozen=True, slots=True)
class Contestants:
    """Who is compared, and on what."""

    champion: str
    challenger: str
    pairs: tuple[Pair, ...]

    def plain(self) -> dict[str, str]:
        return {"champion": self.champion, "challenger": self.challenger}


@app.callback()
def challenger() -> None:
    """Compare the challenger with the champion."""


@app.command()
def report(
    since: Since = None, until: Until = None, most: Most = MOST, version: Version = "", as_json: AsJson = False
) -> None:
    """Show who would flip, by how much and for what reasons, and, with outcomes, who was right."""
    settings = TrainingSettings.read()
    contestants = _contestants(settings, span(since, until, most), version)
    found = comparison(contestants.pairs, labelled_events.known_outcomes(settings))
    if as_json:
        sys.stdout.write(json.dumps(contestants.plain() | found.plain()) + "\n")
    else:
        _show(Console(highlight=False, width=None if sys.stdout.isatty() else swap_table.WIDE), contestants, found)


def _contestants(settings: TrainingSettings, chosen: Span, version: str) -> Contestants:
    """The challenger asked for and the champion it met last, and what both said."""
    shadow = settings.topics().shadow_decisions
    named = Projection(LoanDecision, ("scorecard_version",))
    wanted = version or latest_decision(settings, shadow, named, chosen)["scorecard_version"]
    try:
        theirs, ours = _both(settings, chosen, wanted)
    except NothingDecidedError as cause:
        problem = f"version {wanted} and a champion have no application in common{chosen}"
        raise NothingDecidedError(problem) from cause
    met = [name for name in theirs if name in ours]
    champion = ours[met[-1]]["scorecard_version"]
    pairs = [
        Pair(application_id=name, champion=_statement(ours[name]), challenger=_statement(theirs[name]))
        for name in met
        if ours[name]["scorecard_version"] == champion
    ]
    return Contestants(champion, wanted, tuple(pairs))


def _both(settings: TrainingSettings, chosen: Span, version: str) -> tuple[Decisions, Decisions]:
    """The challenger's decisions, and those made by champions of the same applications."""
    topics, projection = settings.topics(), Projection(LoanDecision, FIELDS, LISTS)
    shadow = first_decisions(
        settings, topics.shadow_decisions, projection, chosen, lambda said: said["scorecard_version"] == version
    )
    theirs, around = shadow.decisions, replace(chosen, since=shadow.began - APART, until=None, most=None)
    ours = first_decisions(
        settings, topics.decisions, projection, around, lambda said: said["application_id"] in theirs
    )
    return theirs, ours.decisions


def _statement(decision: Mapping[str, Any]) -> Statement:
    return Statement(
        outcome=Outcome(decision["outcome"]),
        probability=decision["probability"],
        space=ContributionSpace(decision["contribution_space"]),
        contributions={item["feature"]: item["contribution"] for item in decision["contributions"]},
        reasons=frozenset(reason["code"] for reason in decision["reasons"]),
    )


def _show(console: Console, who: Contestants, found: Comparison) -> None:
    console.print(
        f"version {who.challenger} against the champion, version {who.champion}: of {found.pairs:,} applications "
        f"{found.flip_count:,} ({found.flip_count / found.pairs:.1%}) would have another outcome",
        soft_wrap=True,
    )
    console.print(swap_table.lines(found.flips))
    if found.shift is not None:
        quantiles = ", ".join(f"{share}: {value:+.3f}" for share, value in found.shift.quantiles.items())
        console.print(f"probability of default, challenger less champion: mean {found.shift.mean:+.4f}", soft_wrap=True)
        console.print(f"  quantiles {quantiles}; largest {found.shift.largest:+.3f}", soft_wrap=True)
    console.print(_reasons(found), _features(found))
    console.print(_right(found), soft_wrap=True)


def _reasons(found: Comparison) -> Table:
    lines = Table("reason", "champion", "challenger", "appears for", "disappears for", box=None)
    for one in found.reasons:
        counts = (one.champion, one.challenger, one.appeared, one.disappeared)
        lines.add_row(one.code, *(f"{count:,}" for count in counts))
    return lines


def _features(found: Comparison) -> Table:
    lines = Table("contribution of", "mean", "mean size", "where stricter", "where milder", box=None)
    for one in found.features:
        means = (one.mean, one.stricter, one.milder)
        mean, stricter, milder = ("" if value is None else f"{value:+.3f}" for value in means)
        lines.add_row(one.feature, mean, f"{one.mean_absolute:.3f}", stricter, milder)
    if not found.features:
        lines.add_row("(the two are explained in different units)")
    return lines


def _right(found: Comparison) -> str:
    right = found.right
    if right is None:
        return f"who was right cannot be said: {found.known:,} ends of loans are known, not of both kinds"
    return (
        f"on {right.rows:,} loans whose end is known, {right.defaults:,} of them defaults (90 % of paired resamples):\n"
        f"  AUC   {right.auc_champion:.4f} champion, {right.auc_challenger:.4f} challenger: {_within(right.auc)}\n"
        f"  Brier {right.brier_champion:.4f} champion, {right.brier_challenger:.4f} challenger: {_within(right.brier)}"
    )


def _within(interval: Interval) -> str:
    return f"{interval.difference:+.4f} ({interval.low:+.4f} to {interval.high:+.4f})"
