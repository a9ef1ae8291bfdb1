"""`loanctl champion show | promote | propose | approve | rollback | history`: who decides, and who did.

A promotion is one alias move; the workers hear of it through the topics, or see it themselves.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from loanctl.audit.audit_log import audit_events
from loanctl.audit.audit_record import PersonTrail
from loanctl.console import Console
from schemas.errors import SetupError
from schemas.events.audit import AuditAction
from scorecard.registry.model_registry import CHALLENGER, ModelRegistry, NoVersionError
from scorecard.registry.registered_version import RegisteredVersion
from training.promotion import version_tags
from training.promotion.announcer import Announcer
from training.promotion.promote import announcement, promote, take_back
from training.promotion.proposal import approvable
from training.promotion.reigns import objections, predecessor
from training.settings import TrainingSettings

SOURCE: Final = "/loanctl/champion"

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Show, promote or roll back the champion.")

AsJson = Annotated[bool, typer.Option("--json", help="As one line of JSON.")]
Version = Annotated[str, typer.Argument(help="A version; the challenger by default.")]
Why = Annotated[str, typer.Option(help="The reason, kept on the audit log.")]
Force = Annotated[
    bool, typer.Option("--force", help="Even if it was rejected, taken back, or compared with another champion.")
]


class NoChampionError(SetupError):
    """There is no version to show, to promote or to go back to."""


class TwoPeopleError(SetupError):
    """One person alone would let a version decide, where two must agree."""

    def __init__(self, chosen: RegisteredVersion) -> None:
        version = chosen.version
        super().__init__(
            f"two people must agree (LOAN_PROMOTION_APPROVALS=2): run `loanctl champion propose {version} --why ...`, "
            f"then another person `loanctl champion approve {version} --why ...`"
        )


class ObjectionError(SetupError):
    """A version that the gate rejected, that was taken back, or that was compared with another champion."""

    def __init__(self, chosen: RegisteredVersion, against: Sequence[str]) -> None:
        super().__init__(
            f"version {chosen.version} should not decide: {'; '.join(against)}; "
            f"to let it decide all the same, add `--force --why ...`"
        )


@dataclass(frozen=True, slots=True)
class Seats:
    """Who sits where, of all versions."""

    champion: RegisteredVersion | None
    challenger: RegisteredVersion | None
    versions: tuple[RegisteredVersion, ...]


@app.command()
def show(as_json: AsJson = False) -> None:
    """Show the champion, since when and why it decides, and the challenger that waits."""
    seats = _seats(TrainingSettings.read().model_registry())
    if seats.champion is None:
        raise NoChampionError(_nobody(TrainingSettings.read()))
    summaries = {
        "champion": _summary(seats.champion),
        "challenger": _summary(seats.challenger) if seats.challenger else None,
    }
    if as_json:
        sys.stdout.write(json.dumps(summaries) + "\n")
        return
    console = Console()
    for seat, one in summaries.items():
        if one is not None:
            console.print(
                f"{seat}: {one['name']} version {one['version']} ({one['family']}), digest {one['digest']}",
                highlight=False,
                soft_wrap=True,
            )
            console.print(f"  AUC {one['auc']}; {one['verdict']}: {one['why']}", highlight=False, soft_wrap=True)
            if one["promoted_at"]:
                console.print(
                    f"  promoted {one['promoted_at']}, after {one['previous_version'] or 'none'}", highlight=False
                )
            if one["valid_until"]:
                ended = "; that day is past: validate it anew" if one["expired"] else ""
                console.print(f"  validated until {one['valid_until']}{ended}", highlight=False)


@app.command(name="promote")
def promote_version(version: Version = "", why: Why = "", force: Force = False) -> None:
    """Let a version decide."""
    settings = TrainingSettings.read()
    registry = settings.model_registry()
    chosen = _version(registry, version)
    if settings.promotion_approvals > 1:
        raise TwoPeopleError(chosen)
    _require_reason(chosen, registry.champion(), why, force=force)
    _move(settings, registry, chosen, why or "promoted by a person")


@app.command()
def propose(version: Version = "", why: Why = "", force: Force = False) -> None:
    """Propose a version as champion; another person approves."""
    settings = TrainingSettings.read()
    registry = settings.model_registry()
    chosen, champion = _version(registry, version), registry.champion()
    _require_reason(chosen, champion, why, force=force)
    registry.fetch(chosen)
    before, why = champion.version if champion else "", why or "proposed by a person"
    PersonTrail(settings).record(AuditAction.PROPOSE, registry.name, why, before, chosen.version)
    approval = f"another person runs `loanctl champion approve {chosen.version} --why ...`"
    Console().print(
        f"{registry.name} version {chosen.version} is proposed; {approval}", highlight=False, soft_wrap=True
    )


@app.command()
def approve(version: Version = "", why: Why = "approved by a person") -> None:
    """Let a version decide that another person has proposed."""
    settings = TrainingSettings.read()
    registry = settings.model_registry()
    chosen, champion, approver = _version(registry, version), registry.champion(), settings.actor()
    before = champion.version if champion else ""
    proposal = approvable(audit_events(settings), registry.name, chosen.version, approver, before)
    registry.fetch(chosen)
    _trail(settings).record(AuditAction.APPROVE, registry.name, why, before, chosen.version)
    _move(settings, registry, chosen, f"proposed by {proposal.actor}: {proposal.why}; approved by {approver}: {why}")


@app.command()
def rollback(why: Why = "rolled back by a person") -> None:
    """Make the former champion decide again: the last one that was not taken back."""
    settings = TrainingSettings.read()
    registry = settings.model_registry()
    champion = registry.champion()
    if champion is None:
        raise NoChampionError(_nobody(settings))
    previous = predecessor(champion, registry.history())
    if previous is None:
        problem = f"{registry.name} version {champion.version} has no predecessor to go back to"
        raise NoChampionError(problem)
    now = datetime.now(UTC)
    registry.fetch(previous)
    _trail(settings).record(AuditAction.ROLL_BACK, registry.name, why, champion.version, previous.version)
    take_back(registry, champion, previous, why, now)
    _tell(settings, registry, previous, why, now)


@app.command()
def history(as_json: AsJson = False) -> None:
    """List every version, oldest first, with the gate's verdict."""
    seats = _seats(TrainingSettings.read().model_registry())
    if as_json:
        sys.stdout.write(json.dumps([_summary(one) for one in seats.versions]) + "\n")
        return
    table = Table("version", "family", "AUC", "verdict", "promoted", "why", box=None)
    for one in seats.versions:
        summary = _summary(one)
        now = " *" if seats.champion and one.version == seats.champion.version else ""
        shown = (summary[name] for name in ("auc", "verdict", "promoted_at", "why"))
        table.add_row(f"{one.version}{now}", one.family, *shown)
    Console().print(table)


def _version(registry: ModelRegistry, version: str) -> RegisteredVersion:
    chosen = registry.version(version) if version else registry.champion(CHALLENGER)
    if chosen is None:
        problem = f"{registry.name} has no version {version}" if version else f"{registry.name} has no challenger"
        raise NoVersionError(problem)
    return chosen


def _require_reason(chosen: RegisteredVersion, champion: RegisteredVersion | None, why: str, *, force: bool) -> None:
    """What speaks against a version is overruled only on purpose, and in words. Raises ObjectionError."""
    against = objections(chosen, champion)
    if against and not (force and why):
        raise ObjectionError(chosen, against)


def _move(settings: TrainingSettings, registry: ModelRegistry, chosen: RegisteredVersion, why: str) -> None:
    now = datetime.now(UTC)
    # What is not whole may not decide: the bundle is fetched and checked before the alias moves.
    registry.fetch(chosen)
    promote(registry, chosen, why, now, _trail(settings).record)
    _tell(settings, registry, chosen, why, now)


def _trail(settings: TrainingSettings) -> PersonTrail:
    """Records moves of the alias, which are announced."""
    return PersonTrail(settings, [settings.topics().champions])


def _tell(
    settings: TrainingSettings, registry: ModelRegistry, chosen: RegisteredVersion, why: str, now: datetime
) -> None:
    moved = registry.version(chosen.version) or chosen
    announcer = Announcer(settings, SOURCE)
    announcer.announce(announcement(settings.contract().product, moved, why, now))
    heard = "announced" if announcer.said else f"not announced: {announcer.why_not}"
    Console().print(f"{registry.name} version {chosen.version} decides; {heard}", highlight=False, soft_wrap=True)


def _seats(registry: ModelRegistry) -> Seats:
    return Seats(registry.champion(), registry.champion(CHALLENGER), tuple(registry.history()))


def _summary(one: RegisteredVersion) -> dict[str, Any]:
    tags = one.tags
    auc = tags.get(f"{version_tags.METRIC}auc", "")
    return {
        "name": one.name,
        "version": one.version,
        "family": one.family,
        "digest": one.digest,
        "auc": f"{float(auc):.4f}" if auc else "",
        "verdict": tags.get(version_tags.VERDICT, ""),
        "why": tags.get(version_tags.PROMOTED_WHY) or tags.get(version_tags.WHY, ""),
        "promoted_at": tags.get(version_tags.PROMOTED_AT, ""),
        "previous_version": tags.get(version_tags.PREVIOUS, ""),
        "valid_until": tags.get(version_tags.VALID_UNTIL, ""),
        "expired": version_tags.is_past_validity(one, datetime.now(UTC).date()),
        "run_id": one.run_id,
    }


def _nobody(settings: TrainingSettings) -> str:
    return f"{settings.registered_model()} has no champion: run `loanctl train --data FILE`"
