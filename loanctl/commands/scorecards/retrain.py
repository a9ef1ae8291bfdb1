"""`loanctl retrain`: a person asks the trainer for a challenger, or the champion's performance does."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from drift.retraining import performance_floor
from loanctl.audit.audit_record import PersonTrail
from loanctl.console import Console
from schemas.errors import SetupError
from schemas.events.audit import AuditAction
from schemas.events.performance import PerformanceReport
from schemas.events.retraining import RetrainCause, RetrainCommand
from scorecard.registry.registered_version import RegisteredVersion
from streams.kafka.producer.event_publisher import EventPublisher
from streams.kafka.topics.topic_scan import read_topic
from training.settings import TrainingSettings

SOURCE: Final = "/loanctl/retrain"

Why = Annotated[str, typer.Option(help="Told with the result.")]
Floor = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Only where the AUC of the champion's loans, LOAN_MINIMUM_N ends or more, is surely under this.",
    ),
]


class NobodyDecidesError(SetupError):
    """There is no champion whose performance could have fallen."""


def retrain(why: Why = "asked by a person", if_auc_under: Floor = None) -> None:
    """Ask the trainer for a challenger; the gate decides whether it becomes champion."""
    settings = TrainingSettings.read()
    champion = settings.model_registry().champion()
    if if_auc_under is None:
        _publish(settings, _by_a_person(settings, champion, why))
        return
    if champion is None:
        problem = f"{settings.registered_model()} has no champion whose performance could have fallen"
        raise NobodyDecidesError(problem)
    found = _look(champion, if_auc_under)
    if not found.fallen:
        _say(f"{performance_floor.reason(found)}: not surely under {if_auc_under:g}, nothing is asked")
        return
    command = performance_floor.command_of(found, datetime.now(UTC))
    if _asked_before(settings, command):
        _say(f"{command.command_id} was asked before: {command.why}")
        return
    _publish(settings, command)


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
    PersonTrail(settings).record(
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
