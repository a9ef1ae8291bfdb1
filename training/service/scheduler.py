"""Asks for a challenger when one is due: the shell of `training.schedule`.

The trainer's loop calls it while it owns the command topic and has no command in hand, so only one of
several trainers asks. Earlier requests are read from the topic, so nothing is asked twice after a restart.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

import structlog

from schemas.events.retraining import RetrainCommand
from schemas.registry_client import EventSerde
from scorecard.registry.model_registry import ModelRegistry
from streams.kafka.producer.event_publisher import EventPublisher
from streams.kafka.topics.skipped_records import SkippedRecords
from streams.kafka.topics.topic_scan import read_topic
from training import schedule
from training.promotion import version_tags
from training.settings import TrainingSettings

log = structlog.get_logger(__name__)


class Scheduler:
    def __init__(
        self,
        settings: TrainingSettings,
        publisher: EventPublisher,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Looks at nothing yet."""
        self._schedule = settings.schedule()
        self._settings = settings
        self._topic = settings.topics().retrain_commands
        self._product = settings.contract().product
        self._registry: ModelRegistry = settings.model_registry()
        self._passed_over = SkippedRecords()
        self._serde = EventSerde(settings.registry(), RetrainCommand, self._topic.name)
        self._publisher = publisher
        self._now = now
        self._began = self._asked_at = now()
        self._next: datetime | None = None
        """Nothing is due before it; None before the first check."""

    def ask(self) -> None:
        """Publish the command of the last due time that was not requested yet, if there is one.

        Cheap until the next due time.

        Raises:
            OutageError: broker, registry or MLflow is away; to be called again.
        """
        now = self._now()
        # A clock that was ahead and is set back would else be waited for.
        self._began = min(self._began, now)
        waiting = self._next is not None and self._asked_at <= now < self._next
        if self._schedule is None or waiting:
            return
        promoted_at = version_tags.promotion_time(self._registry.champion())
        since = schedule.last_request(self._commands(), self._product, promoted_at, now) or self._began
        due = schedule.due(self._schedule, since, now)
        if due is not None:
            command = schedule.command(self._schedule, self._product, due, now)
            self._publisher.publish(self._topic, command.command_id, command)
            log.info("retraining.scheduled", command_id=command.command_id)
        self._asked_at, self._next = now, self._schedule.next_after(now)
        log.info("schedule.planned", next=self._next.isoformat())

    def _commands(self) -> Sequence[RetrainCommand]:
        found = []
        for place, value in enumerate(read_topic(self._settings, self._topic.name).values()):
            command = self._passed_over.read(partial(self._serde.decode, value), self._topic.name, place)
            if command is not None:
                found.append(command)
        return found
