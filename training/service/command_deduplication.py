"""The response to a retrain command: an answer at once, or a training. Pure.

A command is carried out once. It is recognized by its id in the published answers, or, if a process
died before it could answer, by its id on the version that it made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from schemas.events.retraining import RetrainCommand, RetrainResult, RetrainStatus
from scorecard.registry.registered_version import RegisteredVersion
from training.promotion import version_tags
from training.promotion.gate import GateVerdict

STATUS_OF: Final = {
    GateVerdict.PROMOTE: RetrainStatus.PROMOTED,
    GateVerdict.HOLD: RetrainStatus.HELD,
    GateVerdict.REJECT: RetrainStatus.REJECTED,
}


class CommandAction(StrEnum):
    LEAVE = "leave"
    """Nothing: this very record has been answered, or another product is meant."""
    ANSWER = "answer"
    """Say why not."""
    TRAIN = "train"


@dataclass(frozen=True, slots=True)
class CommandPosition:
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerState:
    product: str
    answered: Mapping[str, frozenset[str]]
    """By command id, the places of the records answered."""
    champion: RegisteredVersion | None
    promoted_at: datetime | None
    too_soon: timedelta
    """After a promotion, zero for never too soon."""


@dataclass(frozen=True, slots=True)
class Disposition:
    """A step; status and why where it is to answer."""

    step: CommandAction
    status: RetrainStatus = RetrainStatus.UNKNOWN
    why: str = ""


def disposition(command: RetrainCommand, place: CommandPosition, known: TrainerState) -> Disposition:
    """The action for a command without a version so far.

    What is out of date or too soon FAILED and was not REJECTED: no challenger was judged, and whoever
    asks may ask again.
    """
    places = known.answered.get(command.command_id, frozenset())
    if command.product != known.product or str(place) in places:
        return Disposition(CommandAction.LEAVE)
    if places:
        return Disposition(CommandAction.ANSWER, RetrainStatus.DUPLICATE, "this command was answered before")
    champion = known.champion
    if command.champion_digest and (champion is None or champion.digest != command.champion_digest):
        now = f"version {champion.version}" if champion else "nobody"
        why = f"out of date: it speaks of version {command.champion_version}, and {now} decides now"
        return Disposition(CommandAction.ANSWER, RetrainStatus.FAILED, why)
    if known.promoted_at is not None and command.issued_at < known.promoted_at + known.too_soon:
        why = f"too soon: the champion was promoted at {known.promoted_at.isoformat(timespec='seconds')}"
        return Disposition(CommandAction.ANSWER, RetrainStatus.FAILED, why)
    return Disposition(CommandAction.TRAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOutcome:
    status: RetrainStatus
    why: str
    champion_version: str = ""
    """The champion when the command was read."""
    challenger: RegisteredVersion | None = None
    """The version trained, its tags telling rows and figures."""


def result(command: RetrainCommand, ending: CommandOutcome, now: datetime) -> RetrainResult:
    challenger = ending.challenger
    told = challenger.tags if challenger else {}
    return RetrainResult(
        command_id=command.command_id,
        product=command.product,
        status=ending.status,
        why=ending.why,
        champion_version=ending.champion_version,
        challenger_version=challenger.version if challenger else "",
        challenger_digest=challenger.digest if challenger else "",
        run_id=challenger.run_id if challenger else "",
        rows=int(told.get(version_tags.ROWS, "0")),
        metrics={
            name.removeprefix(version_tags.METRIC): float(value)
            for name, value in told.items()
            if name.startswith(version_tags.METRIC)
        },
        finished_at=now,
    )
