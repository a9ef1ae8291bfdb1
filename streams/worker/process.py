"""The scoring worker's process: its parts, and how they start and stop."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from schemas.access import KafkaPrincipal
from schemas.errors import OutageError
from schemas.registry_client import WriterSchemas
from scorecard.decisions.scoring import DecisionCodec, RegisteredScorecard, warm
from streams.kafka.admin import require_topics
from streams.kafka.group.batch_reader import Reader
from streams.kafka.group.consumer_config import ConsumerConfig
from streams.kafka.group.duplicate_instance import DuplicateInstanceCheck
from streams.kafka.group.lag_monitor import LagMonitor
from streams.kafka.producer.delivery import delivery_of
from streams.kafka.producer.hanging_transactions import HangingTransactions
from streams.runtime import gc_freeze, health_server
from streams.runtime.instance_id import Instance, claim
from streams.runtime.lifecycle import STOP_S, Lifecycle, leave_within
from streams.runtime.stop_signal import StopSignal
from streams.traces.tracer_factory import batch_spans_of, tracer_of
from streams.worker import preflight
from streams.worker.batch_handler import BatchHandler
from streams.worker.data_plane import DataPlane, KafkaSession
from streams.worker.metrics import WorkerMetrics
from streams.worker.model_slots import ModelSlot, ModelWatcher
from streams.worker.settings import ScoringSettings

log = structlog.get_logger(__name__)


@dataclass
class ScoringProcess:
    """Everything that one worker process holds."""

    settings: ScoringSettings

    def __post_init__(self) -> None:
        settings = self.settings
        self.metrics = WorkerMetrics(settings.contract())
        self.tracer = tracer_of(settings, "loan-worker")
        self.lifecycle = Lifecycle(self.metrics.outage_began)
        self.instance: Instance = claim(
            settings.cache(), settings.group(), settings.instance_id, standby=settings.standby
        )
        self.duplicates = DuplicateInstanceCheck(settings, settings.group(), self.instance)
        self.hanging = HangingTransactions(settings, KafkaPrincipal.WORKER)
        self.plane = DataPlane(self.open_session, self.lifecycle, self._doubt)
        self.champion = self._seat("champion", self.metrics.record_champion_event)
        self.challenger = self._seat("challenger", self.metrics.record_challenger_event)
        seats = [self.champion, self.challenger] if settings.shadow else [self.champion]
        self.watch = ModelWatcher(seats, settings.champion_poll_s)

    def run(self, stop: StopSignal) -> None:
        """From the first check to the last batch.

        Raises:
            SetupError: a person must act.
        """
        self._watch_lag()
        with health_server.serve(self.settings.scoring_port, self.settings.web_host, self.health) as server:
            log.info("web.listening", url=server.url)
            self._score(stop)

    def _watch_lag(self) -> None:
        plane, settings = self.plane, self.settings
        monitor = LagMonitor(settings, settings.topics().applications.name, settings.group())
        self.metrics.watch_lag(
            lambda: max(plane.lag_records(), monitor.records()), lambda: max(plane.lag_seconds(), monitor.seconds())
        )
        monitor.start()

    def health(self) -> health_server.Health:
        """For the web port: supervisors and waiting clients."""
        session = self.plane.session
        assigned = session is not None and session.reader.assigned
        facts: dict[str, Any] = {
            "stage": self.lifecycle.stage,
            "away": self.lifecycle.away,
            "instance": self.instance.name,
            "champion": self.champion.facts(),
            "challenger": self.challenger.facts(),
            "partitions": sorted(partition for _, partition in session.reader.partitions) if session else [],
        }
        live = self.lifecycle.is_live(self.plane.busy_s())
        return health_server.Health(live=live, ready=assigned and self.champion.holder is not None, facts=facts)

    def open_session(self) -> KafkaSession:
        """A new delivery and a new reader, in this order: what a predecessor left open is ended first."""
        settings = self.settings
        require_topics(settings, KafkaPrincipal.WORKER)
        self.duplicates.require_none(self.lifecycle.stopping)
        name = self.instance.transactional_id(settings.group())
        delivery = delivery_of(settings.delivery, settings, name, self.hanging.abort)
        delivery.open()
        reading = ConsumerConfig(
            topics=[settings.topics().applications.name],
            group=settings.group(),
            instance_id=self.instance.name,
            most_records=settings.batch_records,
            in_flight=settings.batches_in_flight,
            output_topics=[settings.topics().decisions.name],
            stop_on_lost_offsets=settings.on_lost_offsets == "stop",
        )
        lost, stopping = self.metrics.offsets.count, self.lifecycle.stopping
        reader = Reader(settings, reading, offsets_lost=lost, joined=self.instance.remember_member, stopping=stopping)
        return KafkaSession(reader, delivery)

    def _doubt(self, fault: OutageError) -> None:
        self.duplicates.doubt(fault)
        self.hanging.doubt(fault)

    def _score(self, stop: StopSignal) -> None:
        from streams.worker.faust_app import AppParts, run

        preflight.await_topics(self.settings, self.instance.name, self.lifecycle)
        # Before the group, or Faust's, sees any of this project's clients.
        self.lifecycle.retry("broker", lambda: self.duplicates.require_none(self.lifecycle.stopping))
        answering = self._batch_handler()
        preflight.await_champion(self.champion, self.watch, self.lifecycle, self.settings.champion_poll_s)
        answering.warm()
        gc_freeze.freeze()
        self.lifecycle.at("scoring")
        parts = AppParts(
            connection=self.settings,
            instance=self.instance.name,
            datadir=str(self.settings.cache() / "faust"),
            plane=self.plane,
            answer=answering.answer,
            announced=self.watch.nudge,
        )
        try:
            run(parts, stop, stopping=self._stop)
        finally:
            self.watch.close()
            if self.tracer is not None:
                self.tracer.close()

    def _stop(self) -> None:
        self.lifecycle.stopping.set()
        leave_within(STOP_S)

    def _batch_handler(self) -> BatchHandler:
        wire, shadow_wire = preflight.wires(self.settings, self.lifecycle)
        for seat, its_wire in ((self.champion, wire), (self.challenger, shadow_wire)):
            seat.warm = partial(self._warm, its_wire)
        return BatchHandler(
            wire=wire,
            shadow_wire=shadow_wire,
            policy=self.settings.policy(),
            writers=WriterSchemas(self.settings.registry(), self.settings.topics().applications.name),
            champion=self.champion,
            challenger=self.challenger,
            metrics=self.metrics,
            lifecycle=self.lifecycle,
            spans=batch_spans_of(self.tracer, "process", "decide", self._span_attributes()),
        )

    def _span_attributes(self) -> dict[str, str | int]:
        return {"messaging.consumer.group.name": self.settings.group(), "service.instance.id": self.instance.name}

    def _warm(self, wire: DecisionCodec, successor: RegisteredScorecard) -> None:
        warm(successor, self.settings.policy() or successor.scorecard.policy, wire)

    def _seat(self, alias: str, on_change: Callable[[str, Any], None]) -> ModelSlot:
        settings = self.settings
        return ModelSlot(alias, settings.model_registry(), settings.contract(), self.lifecycle, on_change=on_change)
