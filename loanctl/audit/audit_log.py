"""`loanctl audit log`: who did what, to what and why."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from loanctl.reports.event_log import RecordDecoder
from loanctl.reports.performance_table import console
from schemas.codec.event_codec import as_record
from schemas.events.audit import AuditEvent
from streams.kafka.topics.topic_scan import read_topic
from streams.runtime.settings import Connection

TIME: Final = "%Y-%m-%d %H:%M:%S"
COLUMNS: Final = ("at (UTC)", "actor", "action", "subject", "before", "after", "why")


def log(
    subject: Annotated[str, typer.Option(help="Of this scorecard, by its registered name, or application.")] = "",
    actor: Annotated[str, typer.Option(help="By this principal.")] = "",
    since: Annotated[datetime | None, typer.Option(help="At this time or later, UTC.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one line of JSON for each act.")] = False,
) -> None:
    """List who did what, to what and why: acts of people and of the trainer, in the order of the log."""
    start = since.replace(tzinfo=UTC) if since else None
    found = list(chosen_acts(audit_events(Connection.read()), subject, actor, start))
    if as_json:
        for event in found:
            sys.stdout.write(json.dumps(plain(event)) + "\n")
    else:
        console().print(_table(found))


def audit_events(connection: Connection) -> Sequence[AuditEvent]:
    """All that is on the audit topic, in its order: a writer's clock may be wrong.

    Raises:
        OutageError: broker or registry is away.
        SetupError: there is no such topic.
    """
    topic = connection.topics().audit.name
    return RecordDecoder(connection).events(AuditEvent, read_topic(connection, topic).records)


def chosen_acts(events: Iterable[AuditEvent], subject: str, actor: str, since: datetime | None) -> Iterator[AuditEvent]:
    """Acts on one subject, by one actor, from a time on; empty or None for any."""
    for event in events:
        wanted = subject in ("", event.subject) and actor in ("", event.actor)
        if wanted and (since is None or event.acted_at >= since):
            yield event


def plain(event: AuditEvent) -> Mapping[str, Any]:
    """As JSON holds it."""
    return {**as_record(event), "acted_at": event.acted_at.isoformat(timespec="milliseconds")}


def _table(events: Sequence[AuditEvent]) -> Table:
    lines = Table(box=None)
    for name in COLUMNS:
        lines.add_column(name, overflow="fold")
    for event in events:
        at = f"{event.acted_at:{TIME}}"
        lines.add_row(at, event.actor, event.action.value, event.subject, event.before, event.after, event.why)
    return lines
