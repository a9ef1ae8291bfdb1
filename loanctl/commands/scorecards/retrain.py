"""`loanctl retrain`: a person asks the trainer for a challenger, or the champion's performance does."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from drift.retraining import performance_floor
from loanctl.audit.audit_record import PersonTrail
from loanctl.console import Console
from loanctl.reports.retrain_answer import await_answer
from schemas.errors import SetupError
from schemas.events.audit import AuditAction
from schemas.events.performance import PerformanceReport
from schemas.events.retraining import RetrainCause, RetrainCommand, RetrainResult, RetrainScope, RetrainStatus
from scorecard.registry.registered_version import RegisteredVersion
from streams.kafka.producer.event_publisher import EventPublisher
from streams.kafka.topics.topic_scan import read_topic
from training.settings import TrainingSettings

SOURCE: Final = "/loanctl/retrain"

Why = Annotated[str, typer.Option(help="The reason, kept with the result and on the audit log.")]
Floor = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Only if the AUC of the champion's loans, from LOAN_MINIMUM_N outcomes on, has its interval below this.",
    ),
]


Recalibrate = Annotated[
    bool, typer.Option("--recalibrate", help="Keep the champion's forest; renew calibration, cut-offs and reasons.")
]
Level = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        help="Recalibrate, only if the champion's calibration intercept is beyond this with its whole interval.",
    ),
]


Key = Annotated[
    str,
    typer.Option(help="Name of the request: the same key asks once, however often a scheduler repeats the command."),
]
Wait = Annotated[
    float,
    typer.Option(
        min=0.0,
        metavar="SECONDS",
        help="Seconds to wait for the trainer's answer; exit status 1 if training fails or no answer comes in time.",
    ),
]
KEYS: Final = uuid.uuid5(uuid.NAMESPACE_OID, "loan.v1.RetrainKey")
"""Under it a key is hashed to the command's id."""


class ConflictingOptionsError(SetupError):
    """Options that ask for different retrainings."""


class NobodyDecidesError(SetupError):
    """There is no champion whose performance could have fallen."""


def retrain(  # noqa: PLR0913 - an option each
    why: Why = "asked by a person",
    if_auc_under: Floor = None,
    recalibrate: Recalibrate = False,
    if_level_off: Level = None,
    key: Key = "",
    wait: Wait = 0.0,
) -> None:
    """Ask the trainer for a challenger; the gate decides whether it becomes champion."""
    if recalibrate and not (if_auc_under is None and if_level_off is None):
        problem = "--recalibrate asks at once; --if-auc-under asks for a whole retraining, --if-level-off recalibrates"
        raise ConflictingOptionsError(problem)
    if (key or wait) and not (if_auc_under is None and if_level_off is None):
        problem = "--key and --wait go with a request that is made at once, not with --if-auc-under or --if-level-off"
        raise ConflictingOptionsError(problem)
    settings = TrainingSettings.read()
    champion = settings.model_registry().champion()
    if if_auc_under is None and if_level_off is None:
        scope = RetrainScope.RECALIBRATION if recalibrate else RetrainScope.FULL
        command = replace(_by_a_person(settings, champion, why), scope=scope)
        if key:
            command = replace(command, command_id=keyed_id(key, scope))
        _answer(settings, command)
        if wait:
            _report(command.command_id, await_answer(settings, command.command_id, wait), key)
        return
    if champion is None:
        problem = f"{settings.registered_model()} has no champion whose performance could have fallen"
        raise NobodyDecidesError(problem)
    found = _look(champion, if_auc_under or 0.0)
    _answer(settings, performance_floor.performance_command(found, if_auc_under, if_level_off, datetime.now(UTC)))


def keyed_id(key: str, scope: RetrainScope) -> str:
    """Id of the command that a key names: another for each scope, since they ask for different things."""
    # A whole retraining's is of the key alone, as it was before there were scopes.
    named = key if scope is RetrainScope.FULL else f"{key}\x1f{scope.value}"
    return f"person-{uuid.uuid5(KEYS, named)}"


def _answer(settings: TrainingSettings, finding: RetrainCommand | str) -> None:
    """Ask once; or say why not."""
    if isinstance(finding, str):
        _say(f"{finding}, nothing is asked")
    elif _asked_before(settings, finding):
        _say(f"{finding.command_id} was asked before: {finding.why}")
    else:
        _publish(settings, finding)


def _report(command_id: str, found: RetrainResult | None, key: str) -> None:
    """Say how the command ended.

    Raises:
        typer.Exit: with status 1 where it failed, or is not answered.
    """
    if found is None:
        hint = "ask again with the same --key" if key else "to ask again is another command: only a --key names one"
        _say(f"{command_id} is not answered yet; the command is safe, {hint}")
        raise typer.Exit(1)
    _say(f"{found.status.value}: {found.why}")
    if found.status is RetrainStatus.FAILED:
        raise typer.Exit(1)


def _by_a_person(settings: TrainingSettings, champion: RegisteredVersion | None, why: str) -> RetrainCommand:
    return RetrainCommand(
        command_id=f"person-{uuid.uuid4()}",
        product=settings.contract().product,
        cause=RetrainCause.PERSON,
        why=why,
        champion_version=champion.version if champion else "",
        champion_digest=champion.digest if champion else "",
        reference_id="",
        window_start=None,
        window_end=None,
        issued_at=datetime.now(UTC),
    )


def _look(champion: RegisteredVersion, least_auc: float) -> PerformanceReport:
    # Statistics that a person who asks does without.
    from drift.agent.performance_check import CheckRequest, check_performance
    from drift.settings import DriftSettings

    settings = DriftSettings.read().model_copy(update={"min_auc": least_auc})
    found = check_performance(settings, CheckRequest(version=champion.version, digest=champion.digest))
    assert found is not None  # noqa: S101 - for the type checker: nothing was seen before
    return found.reports[0]


def _asked_before(settings: TrainingSettings, command: RetrainCommand) -> bool:
    records = read_topic(settings, settings.topics().retrain_commands.name).records
    return any(record.key == command.command_id.encode() for record in records)


def _publish(settings: TrainingSettings, command: RetrainCommand) -> None:
    topic = settings.topics().retrain_commands
    PersonTrail(settings, [topic]).record(
        AuditAction.RETRAIN,
        settings.registered_model(),
        command.why,
        before=command.champion_version,
        after=command.command_id,
    )
    with EventPublisher(settings, SOURCE) as publisher:
        publisher.publish(topic, command.command_id, command)
    _say(f"{command.command_id} is on {topic.name}: {command.why}")


def _say(line: str) -> None:
    Console().print(line, highlight=False, soft_wrap=True)
