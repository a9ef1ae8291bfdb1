"""`loanctl decisions verify`: the decisions of a stretch of the topic, computed again and held against their bytes."""

import json
from typing import Annotated, Final

import typer

from loanctl.audit.decision_check import DecisionChecker
from loanctl.audit.decision_search import RecordedDecision, decision_reader
from loanctl.audit.offset_ranges import chunks, offset_ranges
from loanctl.audit.verification_summary import VerificationSummary
from loanctl.console import FINDING, echo
from scorecard.decisions.reproduction import DecisionCopy
from streams.kafka.topics.topic_reader import blocks
from streams.runtime import logs
from streams.worker.settings import ScoringSettings

CHUNK: Final = 5_000
"""Decisions in memory at once, some kilobytes each, and their applications."""

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Recompute recorded decisions.")

PartitionOption = Annotated[int | None, typer.Option(min=0, help="One of the topic's partitions; by default all.")]
First = Annotated[int | None, typer.Option("--from", min=0, help="Offset of that partition to begin with.")]
End = Annotated[int | None, typer.Option("--to", min=0, help="Offset to end before.")]
AsJson = Annotated[bool, typer.Option("--json", help="As one line of JSON.")]


@app.callback()
def decisions() -> None:
    """Recompute recorded decisions."""


@app.command()
def verify(partition: PartitionOption = None, first: First = None, end: End = None, as_json: AsJson = False) -> None:
    """Recompute each decision of a range; exit status 3 if one differs."""
    logs.configure("error", "verify")
    found = verification_summary(ScoringSettings.read(), partition, first, end)
    if as_json:
        echo(json.dumps(found.plain()))
    else:
        _show(found)
    if not found.clean:
        raise typer.Exit(FINDING)


def verification_summary(
    settings: ScoringSettings, partition: int | None, first: int | None, end: int | None
) -> VerificationSummary:
    """What the checks of a stretch's decisions come to.

    Raises:
        OutageError: broker, registry or MLflow does not answer.
        SetupError: no such stretch or topic.
    """
    topic = settings.topics().decisions.name
    wanted = offset_ranges(settings, topic, partition, first, end)
    # After the decisions' end is known: the applications of all of them lie on their topic by now.
    checker, read, found = DecisionChecker(settings), decision_reader(settings, topic), VerificationSummary()
    for records in chunks(blocks(settings, wanted), CHUNK):
        decoded = [(record, read(record.value, record.offset)) for record in records]
        recorded = [
            RecordedDecision(DecisionCopy(record.value, fields), record)
            for record, fields in decoded
            if fields is not None
        ]
        found.unreadable += len(records) - len(recorded)
        found.add(zip(recorded, checker.checks(recorded), strict=True))
    return found


def _show(found: VerificationSummary) -> None:
    for each in found.findings:
        what = ", ".join(each["changed"])
        fields = f" ({', '.join(each['fields'])})" if each["fields"] else ""
        problem = f": {each['problem']}" if each["problem"] else ""
        echo(f"{each['partition']}@{each['offset']} {each['application_id']}: {what} changed{fields}{problem}")
    if found.different > len(found.findings):
        echo(f"... and {found.different - len(found.findings):,} more")
    notes = {
        f"{found.from_values:,} of them by their values, their applications being gone": found.from_values,
        f"{found.not_computable:,} not to be computed again": found.not_computable,
        f"{found.unreadable:,} records are no decision": found.unreadable,
    }
    parts = (f"{found.same:,} the same", f"{found.different:,} different", *(note for note, n in notes.items() if n))
    echo(f"{found.decisions:,} decisions: {'; '.join(parts)}")
