"""Handles one retrain command: looks it up, trains, settles. The shell of `training.service.command_deduplication`.

Every step can be repeated after a crash at any line: a version carries its command's id from
its creation, settling is idempotent, and the published answers are read before each command.
The result is published by `training.service.result_delivery`, together with the command's offset.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from schemas.access import KafkaPrincipal
from schemas.errors import OutageError, SetupError, StoppedError
from schemas.events.audit import AuditAction
from schemas.events.retraining import ChampionAnnouncement, RetrainCommand, RetrainResult, RetrainStatus
from schemas.records import OutgoingRecord
from schemas.registry_client import EventSerde
from schemas.urls import mask_credentials
from scorecard.registry.model_registry import ModelRegistry
from scorecard.registry.registered_version import RegisteredVersion
from streams.kafka.producer.audit_trail import AuditTrail
from streams.kafka.producer.event_publisher import EventPublisher, event_headers
from streams.kafka.topics.skipped_records import SkippedRecords
from streams.kafka.topics.topic_scan import read_topic
from training.pipeline.plan import TrainingProgress
from training.promotion import announcer, version_tags
from training.promotion.gate import GateVerdict
from training.promotion.promote import settle
from training.rows import labelled_events, sources
from training.rows import labelled_rows as rows
from training.rows.labelled_events import TopicSnapshot
from training.rows.labelled_rows import CleanRows
from training.rows.maturity import mature_rows
from training.rows.rare_levels import without_rare_levels
from training.service import command_deduplication
from training.service.command_deduplication import (
    CommandAction,
    CommandOutcome,
    CommandPosition,
    Disposition,
    TrainerState,
)
from training.settings import TrainingSettings
from training.trainer import Task, Trainer

SOURCE: Final = "/loan/trainer"
PLACE_HEADER: Final = "loan_command_place"
"""Names the answered record of a command: it distinguishes a redelivery from a command sent twice."""

log = structlog.get_logger(__name__)


class TooFewOutcomesError(SetupError):
    """There are not enough new true outcomes to train on; names the number and the minimum."""


@dataclass(frozen=True, slots=True)
class CommandRecord:
    command: RetrainCommand
    place: CommandPosition
    timestamp: datetime
    """The record's own: rows after it are ignored."""


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """A command's result, to be delivered."""

    result: RetrainResult
    record: OutgoingRecord


class CommandHandler:
    """Answers commands, one at a time; blocking."""

    def __init__(self, settings: TrainingSettings, publisher: EventPublisher) -> None:
        self._settings = settings
        self._contract = settings.contract()
        self._topics = settings.topics()
        self._registry: ModelRegistry = settings.model_registry()
        self._publisher = publisher
        registry = settings.registry()
        self._passed_over = SkippedRecords()
        self._commands = EventSerde(registry, RetrainCommand, self._topics.retrain_commands.name)
        self._results = EventSerde(registry, RetrainResult, self._topics.retrain_results.name)

    def read(self, value: bytes | None, place: CommandPosition, timestamp: int) -> CommandRecord | None:
        """The command that a record holds; None, and a line in the log, where it holds none.

        Raises:
            OutageError: the schema registry is away.
        """
        topic = self._topics.retrain_commands.name
        command = self._passed_over.read(lambda: self._commands.decode(value), topic, place.offset)
        if command is None:
            return None
        return CommandRecord(command, place, datetime.fromtimestamp(timestamp / 1000, UTC))

    def answer(self, asked: CommandRecord, watch: TrainingProgress) -> CommandAnswer | None:
        """Do what the command asks; None where it was answered already.

        Raises:
            OutageError: a dependency is away; to be called again.
            StoppedError: stopped in the middle; to be called again after a restart.
        """
        known = self._state(asked.command)
        step = command_deduplication.disposition(asked.command, asked.place, known)
        if step.step is CommandAction.LEAVE:
            return None
        version = known.champion.version if known.champion else ""
        ending = self._outcome(asked, step, version, watch)
        result = command_deduplication.result(asked.command, ending, datetime.now(UTC))
        return CommandAnswer(result, self._record_of(result, asked.place))

    def _outcome(
        self, asked: CommandRecord, step: Disposition, version: str, watch: TrainingProgress
    ) -> CommandOutcome:
        if step.status is not RetrainStatus.DUPLICATE:
            made_before = self._registry.with_tag(version_tags.COMMAND, asked.command.command_id)
            if made_before is not None:
                return self._settle(made_before)
        if step.step is CommandAction.ANSWER:
            return CommandOutcome(status=step.status, why=step.why, champion_version=version)
        log.info("training.started", command_id=asked.command.command_id, why=asked.command.why)
        try:
            registered = self._train(asked, watch)
        except (OutageError, StoppedError):
            raise
        except SetupError as fault:
            return CommandOutcome(status=RetrainStatus.FAILED, why=str(fault), champion_version=version)
        except Exception as fault:  # noqa: BLE001 - the libraries' own: a command that breaks them would for ever
            # Not the exception itself: a library's message may hold an applicant's row.
            log.error("training.failed", error=type(fault).__name__)  # noqa: TRY400
            why = f"the training broke off ({type(fault).__name__})"
            return CommandOutcome(status=RetrainStatus.FAILED, why=why, champion_version=version)
        return self._settle(registered)

    def record(self, action: AuditAction, subject: str, why: str, before: str = "", after: str = "") -> None:
        trail = AuditTrail(self._settings, self._publisher.publish, KafkaPrincipal.TRAINER)
        trail.record(action, subject, why, before, after)

    def announce(self, announcement: ChampionAnnouncement) -> None:
        announcer.publish(self._publisher, self._settings, announcement)

    def _settle(self, registered: RegisteredVersion) -> CommandOutcome:
        settle(self._registry, registered, self, self._contract.product)
        return CommandOutcome(
            status=command_deduplication.STATUS_OF[GateVerdict(registered.tags[version_tags.VERDICT])],
            why=registered.tags[version_tags.WHY],
            champion_version=registered.tags.get(version_tags.PREVIOUS, ""),
            challenger=registered,
        )

    def _train(self, asked: CommandRecord, watch: TrainingProgress) -> RegisteredVersion:
        settings = self._settings
        watch.step("rows")
        seen = labelled_events.read_snapshot(settings, asked.timestamp, _window(asked.command))
        cleaned = self._rows(seen, asked.timestamp)
        task = Task(
            cleaned=cleaned,
            window=seen.window if len(seen.window) >= settings.least_window else None,
            scope=asked.command.scope,
            command_id=asked.command.command_id,
            why=asked.command.why,
            facts={"offsets": seen.offsets, "cause": asked.command.cause.value, "notes": "; ".join(cleaned.notes)},
        )
        trainer = Trainer(self._contract, self._registry, settings.mlflow_uri, settings.plan(), settings.terms())
        return trainer.train(task, watch).registered

    def _rows(self, seen: TopicSnapshot, as_of: datetime) -> CleanRows:
        events = rows.from_events(self._contract, seen.labelled, with_pricing=self._settings.with_pricing)
        least = self._settings.least_outcomes
        if len(events.rows) < least:
            problem = f"{len(events.rows)} applications have a true outcome, at least {least} must"
            raise TooFewOutcomesError(problem)
        base = self._base(as_of)
        together = rows.together(base, events) if base else events
        rows.refuse_too_few(together)
        cleaned = without_rare_levels(self._contract, together, with_pricing=self._settings.with_pricing)
        for note in cleaned.notes:
            log.warning("rows.remarked", why=note)
        rows.refuse_too_few(cleaned)
        return cleaned

    def _base(self, as_of: datetime) -> CleanRows | None:
        settings = self._settings
        if not settings.base_table:
            return None
        table = sources.table(settings.base_table, settings.table_dialect())
        name = mask_credentials(settings.base_table)
        cleaned = rows.from_table(
            self._contract, table, name, with_pricing=settings.with_pricing, dialect=settings.table_dialect()
        )
        return mature_rows(self._contract, cleaned, as_of)

    def _state(self, command: RetrainCommand) -> TrainerState:
        champion = self._registry.champion()
        return TrainerState(
            product=self._contract.product,
            answered=self._answered_places(command.command_id),
            champion=champion,
            promoted_at=version_tags.promotion_time(champion),
            too_soon=timedelta(seconds=self._settings.min_retrain_interval_s),
        )

    def _answered_places(self, command_id: str) -> Mapping[str, frozenset[str]]:
        """The places of this command's records that have an answer."""
        places: set[str] = set()
        for record in read_topic(self._settings, self._topics.retrain_results.name).records:
            if record.key == command_id.encode():
                places.add((record.headers.get(PLACE_HEADER) or b"").decode(errors="replace"))
        return {command_id: frozenset(places)} if places else {}

    def _record_of(self, result: RetrainResult, position: CommandPosition) -> OutgoingRecord:
        place = str(position)
        headers = event_headers(result, f"{result.command_id}/{place}", SOURCE)
        return OutgoingRecord(
            self._topics.retrain_results.name,
            result.command_id.encode(),
            self._results.encode(result),
            (*headers, (PLACE_HEADER, place.encode())),
        )


def _window(command: RetrainCommand) -> tuple[datetime, datetime] | None:
    """The command's window, whose applications are to be the new reference."""
    if command.window_start is None or command.window_end is None:
        return None
    return command.window_start, command.window_end
