"""`loanctl retrain`: a person asks the trainer for a challenger."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.console import Console

from schemas.events import RetrainCause, RetrainCommand
from streams.produce import EventPublisher
from training.settings import TrainingSettings

SOURCE: Final = "/loanctl/retrain"


def retrain(why: Annotated[str, typer.Option(help="Told with the result.")] = "asked by a person") -> None:
    """Ask the trainer for a challenger; the gate decides whether it becomes champion."""
    settings = TrainingSettings.read()
    champion = settings.model_registry().champion()
    command = RetrainCommand(
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
    topic = settings.topics().retrain_commands
    with EventPublisher(settings, SOURCE) as publisher:
        publisher.publish(topic, command.command_id, command)
    Console().print(f"{command.command_id} is on {topic.name}", highlight=False)
