"""`loanctl replay`: applications of a stretch or a file decided on once more, and what that changes."""

import json
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from loanctl.audit.offset_ranges import offset_ranges
from loanctl.audit.replay import ReplayTerms, ShadowPublisher, TopicReplay, replay_records
from loanctl.audit.replay_count import ReplayCount
from loanctl.commands.decisions.decisions import AsJson, End, First, PartitionOption
from loanctl.console import echo
from loanctl.decisions import file_rows
from loanctl.decisions.offline import load_champion
from schemas.errors import SetupError
from scorecard.decisions.hypothetical import Hypotheticals
from scorecard.policy import Policy
from streams.kafka.producer.event_publisher import EventPublisher
from streams.runtime import logs
from streams.worker.settings import ScoringSettings

SOURCE: Final = "/loanctl/replay"

Version = Annotated[str, typer.Option(help="Version of the scorecard; by default the champion.")]
Below = Annotated[float | None, typer.Option(help="APPROVE below it; by default as settings or the scorecard say.")]
From = Annotated[float | None, typer.Option(help="DECLINE from it on; the same.")]
Shadow = Annotated[bool, typer.Option("--shadow", help="Publish the decisions to the shadow topic, marked.")]


class ReplayError(SetupError):
    """What was asked of a replay does not go together."""


def replay(  # noqa: PLR0913 - each argument is an option of the command
    file: Annotated[Path | None, typer.Argument(help="Applications as CSV, JSON lines, Parquet or Excel.")] = None,
    partition: PartitionOption = None,
    first: First = None,
    end: End = None,
    version: Version = "",
    approve_below: Below = None,
    decline_from: From = None,
    shadow: Shadow = False,
    as_json: AsJson = False,
) -> None:
    """Decide again on a range of the topic or on a file, and count what changes; publishes nothing without --shadow."""
    logs.configure("error", "replay")
    settings = ScoringSettings.read()
    champion = load_champion(settings, version)
    terms = ReplayTerms(champion, _policy(settings.policy() or champion.scorecard.policy, approve_below, decline_from))
    facts: dict[str, Any] = terms.plain()
    if file is not None:
        if shadow or partition is not None or first is not None or end is not None:
            problem = "a file has no offsets to name or to publish: `loanctl play` puts it on the topic"
            raise ReplayError(problem)
        found = _of_file(settings, file, terms)
    else:
        found = _of_topic(settings, (partition, first, end), terms, facts if shadow else None)
    if as_json:
        echo(json.dumps({**facts, **found.plain()}))
    else:
        _show(terms, found, facts)


def _of_file(settings: ScoringSettings, file: Path, terms: ReplayTerms) -> ReplayCount:
    # Pandas is of no use to the other way.
    from loanctl.simulation import loan_tables

    contract = settings.contract()
    records = file_rows.applications(
        loan_tables.read(file, contract, settings.table_dialect()), contract, datetime.now(UTC)
    )
    current = load_champion(settings)
    in_force = ReplayTerms(current, settings.policy() or current.scorecard.policy)
    return replay_records(records, terms, in_force, Hypotheticals(contract))


def _of_topic(
    settings: ScoringSettings,
    offsets: tuple[int | None, int | None, int | None],
    terms: ReplayTerms,
    shadow_facts: dict[str, Any] | None,
) -> ReplayCount:
    wanted = offset_ranges(settings, settings.topics().applications.name, *offsets)
    with ExitStack() as stack:
        publish = None
        if shadow_facts is not None:
            publish = ShadowPublisher(settings, stack.enter_context(EventPublisher(settings, SOURCE)))
        found = TopicReplay(settings, terms, publish).run(wanted)
    if shadow_facts is not None and publish is not None:
        shadow_facts["shadow"] = {"replay_id": publish.replay_id, "published": publish.count}
    return found


def _policy(own: Policy, approve_below: float | None, decline_from: float | None) -> Policy:
    return Policy(
        approve_below=own.approve_below if approve_below is None else approve_below,
        decline_from=own.decline_from if decline_from is None else decline_from,
    )


def _show(terms: ReplayTerms, found: ReplayCount, facts: dict[str, Any]) -> None:
    champion, policy = terms.champion, terms.policy
    echo(
        f"{found.applications:,} applications by {champion.scorecard.name} {champion.version} under {policy.version} "
        f"(approve below {policy.approve_below:g}, decline from {policy.decline_from:g})"
    )
    plain = found.plain()
    outcomes = ", ".join(f"{name} {count:,}" for name, count in plain["outcomes"].items()) or "none"
    unreadable = f"; {found.unreadable:,} cannot be read" if found.unreadable else ""
    echo(f"  outcomes: {outcomes}{unreadable}")
    undecided = f"; {found.undecided:,} had none" if found.undecided else ""
    echo(f"  compared with {found.compared:,} decisions, {found.same_bytes:,} of the same bytes{undecided}")
    for name, count in plain["answers"].items():
        if count and name != "none":
            echo(f"  {name} changes: {count:,}")
    for swap in plain["swaps"]:
        echo(f"    {swap['from']} -> {swap['to']}: {swap['count']:,}")
    causes = ", ".join(f"{name} {count:,}" for name, count in plain["changed"].items() if count)
    echo(f"  changed since: {causes or 'nothing'}")
    if "shadow" in facts:
        echo(f"  {facts['shadow']['published']:,} published as replay {facts['shadow']['replay_id']}")
