"""`loanctl dlq`: dead letters counted, explained and sent back to the applications topic."""

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from loanctl.audit.audit_record import PersonTrail
from loanctl.console import FINDING, Console, echo
from loanctl.dead_letters import letter_summary
from loanctl.dead_letters.letter_choice import LetterChoice, place_of
from loanctl.dead_letters.letter_summary import LetterCounts, LetterSummary
from loanctl.dead_letters.letter_topics import LetterTopics
from loanctl.dead_letters.redrive_plan import STUCK, PlannedLetter, RedriveStatus, redrive_plan, redrive_records
from loanctl.dead_letters.redriver import Redriver, redriver
from loanctl.reports.decision_log import span
from schemas.events.audit import AuditAction
from schemas.records import OutgoingRecord, RecordPosition
from scorecard.decisions.dead_letter_parser import Letter
from scorecard.decisions.dead_letter_reasons import REASON_TEXTS, UNKNOWN
from streams.runtime import logs
from streams.runtime.settings import Connection

WIDE: Final = 160
"""Columns where no terminal says how wide it is."""

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Dead letters: count, explain, send back.")

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
Since = Annotated[datetime | None, typer.Option(help="Set aside at this time or later, UTC.")]
Until = Annotated[datetime | None, typer.Option(help="Set aside before this time, UTC.")]


@app.callback()
def dlq() -> None:
    """Dead letters: count, explain, send back."""


@app.command(name="list")
def list_command(since: Since = None, until: Until = None, as_json: AsJson = False) -> None:
    """Count the dead letters by reason: when, where, and how many can be redriven."""
    topics, chosen = _topics(Connection.read()), span(since, until, None)
    counts = LetterCounts(topics.application_ranges())
    for letter in topics.letters():
        if letter.timestamp in chosen:
            counts.add(letter)
    found = counts.summaries()
    if as_json:
        echo(json.dumps([each.plain() for each in found]))
    elif found:
        _console().print(_summary_table(found))
    else:
        echo("no dead letters")


@app.command()
def show(
    which: Annotated[str, typer.Argument(help="PARTITION:OFFSET of a dead letter, or the id of an application.")],
    as_json: AsJson = False,
) -> None:
    """Explain a dead letter: what is wrong, what to do, where its record is. Prints no value of an applicant."""
    connection = Connection.read()
    topics = _topics(connection)
    place = place_of(which)
    choice = LetterChoice(places=frozenset({place})) if place else LetterChoice(ids=frozenset({which}))
    candidates = [letter for letter in topics.letters() if place is None or letter.place == place]
    ids = topics.application_ids(candidates)
    lying = {each.partition: each for each in topics.application_ranges()}
    found = [
        letter_summary.letter_facts(letter, ids[letter.place], lying, connection.topics(), connection.contract())
        for letter in choice.letters(candidates, ids)
    ]
    if as_json:
        echo(json.dumps(found))
        return
    for facts in found:
        _print_facts(facts)


@app.command()
def redrive(  # noqa: PLR0913 - each argument is an option of the command
    reason: Annotated[list[str] | None, typer.Option(help="Of this reason; may be repeated.")] = None,
    letter: Annotated[list[str] | None, typer.Option(help="PARTITION:OFFSET of one; may be repeated.")] = None,
    application: Annotated[list[str] | None, typer.Option("--id", help="Of this application; may be repeated.")] = None,
    since: Since = None,
    until: Until = None,
    send: Annotated[bool, typer.Option("--send", help="Send them; without it nothing is sent.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Those too that a worker would set aside again.")] = False,
    why: Annotated[str, typer.Option(help="Why; kept on the audit log.")] = "",
    as_json: AsJson = False,
) -> None:
    """Send records back to the applications topic, each once; exit status 3 if one cannot go back."""
    choice = LetterChoice(
        reasons=_reasons(reason or ()),
        places=frozenset(map(_place, letter or ())),
        ids=frozenset(application or ()),
        span=span(since, until, None),
    )
    connection = Connection.read()
    if send:
        # Before anything is read: what a predecessor left open is over, and nobody else sends from here on.
        with redriver(connection) as sender:
            plan = _plan(connection, choice, force=force)
            sent = _send(sender, redrive_records(plan, connection.topics()), connection, why)
    else:
        plan, sent = _plan(connection, choice, force=force), 0
    _print_plan(plan, sent, send=send, as_json=as_json)
    if any(each.status in STUCK for each in plan):
        raise typer.Exit(FINDING)


def _send(sender: Redriver, records: Sequence[OutgoingRecord], connection: Connection, why: str) -> int:
    """Put the act on the audit log, then do it; neither where there is nothing to send."""
    if records:
        topics = connection.topics()
        subject, trail = topics.dead_letters.name, PersonTrail(connection, [topics.applications])
        trail.record(AuditAction.REDRIVE, subject, why, after=f"{len(records)} records")
    return sum(sender.send(records))


def _topics(connection: Connection) -> LetterTopics:
    logs.configure("error", "dlq")
    return LetterTopics(connection)


def _plan(connection: Connection, choice: LetterChoice, *, force: bool) -> list[PlannedLetter]:
    topics = _topics(connection)
    sources: dict[RecordPosition, RecordPosition | None] = {}
    candidates: list[Letter] = []
    for each in topics.letters():
        sources[each.place] = each.source
        if choice.may_mean(each):
            candidates.append(each)
    ids = topics.application_ids(candidates) if choice.ids else {}
    chosen = choice.letters(candidates, ids)
    return redrive_plan(chosen, sources, topics.evidence(chosen), force=force)


def _reasons(given: Sequence[str]) -> frozenset[str]:
    known = REASON_TEXTS.keys() - {UNKNOWN}
    if not known >= set(given):
        problem = f"--reason is one of {', '.join(sorted(known))}"
        raise typer.BadParameter(problem)
    return frozenset(given)


def _place(text: str) -> RecordPosition:
    place = place_of(text)
    if place is None:
        problem = f"--letter {text}: give PARTITION:OFFSET of the dead-letter topic"
        raise typer.BadParameter(problem)
    return place


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def _summary_table(found: Sequence[LetterSummary]) -> Table:
    table = Table("reason", "letters", "first", "last", "lie at", "of records at", "can be redriven", box=None)
    for each in found:
        plain = each.plain()
        places = (_spots(plain["partitions"]), _spots(plain["source_partitions"]))
        table.add_row(each.reason, f"{each.count:,}", plain["first"], plain["last"], *places, f"{each.at_hand:,}")
    return table


def _spots(extents: dict[str, str]) -> str:
    return ", ".join(f"{partition}:{offsets}" for partition, offsets in extents.items())


def _print_facts(facts: dict[str, Any]) -> None:
    for name, value in facts.items():
        for line in value if isinstance(value, list) else [_word(value)]:
            echo(f"{name.replace('_', ' ') + ':':<22}{line}")
    echo("")


def _word(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else value


def _print_plan(plan: Sequence[PlannedLetter], sent: int, *, send: bool, as_json: bool) -> None:
    if as_json:
        echo(json.dumps({"sent": sent, "letters": letter_summary.plan_facts(plan)}))
        return
    if plan:
        table = Table("reason", "status", "letters", box=None)
        for reason, status, count in letter_summary.plan_counts(plan):
            table.add_row(reason, status, f"{count:,}")
        _console().print(table)
    ready = sum(each.status is RedriveStatus.READY for each in plan)
    echo(f"{sent:,} sent" if send else f"dry run: {ready:,} of {len(plan):,} would be sent; --send sends them")
