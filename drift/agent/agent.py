"""The drift agent: follows the champion, counts its share of the partitions, owns the windows if no other agent does.

A shell: the work is in `drift.agent.partition_counter` and `drift.agent.window_owner`. Every failure is handled in the
same way: consumers and producer are discarded, and work begins again from what is in Kafka, as after `kill -9`.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final

import structlog

from drift.agent.champion_follower import Announcements, Champions
from drift.agent.partition_counter import CounterDeps, PartitionCounter
from drift.agent.performance_check import PerformanceChecker, look_aside
from drift.agent.serdes import Serdes
from drift.agent.window_owner import WindowOwner, WindowSubject
from drift.metrics import DriftMetrics
from drift.settings import DriftSettings
from schemas.access import KafkaPrincipal
from schemas.errors import OutageError, StoppedError
from schemas.events.retraining import ChampionAnnouncement
from schemas.registry_client import EventSerde, WriterSchemas
from streams.kafka.admin import require_topics
from streams.kafka.group.duplicate_instance import DuplicateInstanceCheck
from streams.kafka.kafka_errors import LostSessionError
from streams.kafka.producer.hanging_transactions import HangingTransactions
from streams.kafka.producer.transactions import TransactionalProducer
from streams.kafka.topics.skipped_records import SkippedRecords
from streams.runtime import gc_freeze
from streams.runtime.health_server import Health
from streams.runtime.instance_id import Instance, claim
from streams.runtime.lifecycle import Backoff, Lifecycle

STEP_S: Final = 0.05
"""How long a turn waits for records: even an idle agent reacts quickly to a champion or a result."""
TELL_EVERY_S: Final = 0.25
"""How often closed panes are sent while records wait: a transaction takes longer than counting a batch."""
WAIT_S: Final = 0.5

log = structlog.get_logger(__name__)


@dataclass
class _Session:
    """Everything that is discarded together."""

    outbox: TransactionalProducer
    counting: PartitionCounter
    owning: WindowOwner
    announcements: Announcements

    def close(self) -> None:
        for part in (self.counting, self.owning, self.announcements, self.outbox):
            part.close()


class Agent:
    def __init__(self, settings: DriftSettings, metrics: DriftMetrics) -> None:
        """Connects nothing yet.

        Raises:
            SetupError: the product, or the trusted keys.
        """
        self._settings = settings
        self._metrics = metrics
        self.lifecycle = Lifecycle(metrics.outage_began)
        self._session: _Session | None = None
        self._passed_over = SkippedRecords(metrics.count_skip)
        self._asked_at = float("-inf")
        self._settled = False
        self._turn_began: float | None = None
        self.champions = self._champions()
        """The champions to monitor."""

    @cached_property
    def instance(self) -> Instance:
        """Our name, for as long as this process lives."""
        settings = self._settings
        return claim(settings.cache(), settings.group(), settings.drift_instance_id, standby=settings.standby)

    @cached_property
    def _duplicates(self) -> DuplicateInstanceCheck:
        return DuplicateInstanceCheck(self._settings, self._settings.group(), self.instance)

    @cached_property
    def _hanging_transactions(self) -> HangingTransactions:
        return HangingTransactions(self._settings, KafkaPrincipal.DRIFT_AGENT)

    def _champions(self) -> Champions:
        settings = self._settings
        serde = EventSerde(settings.registry(), ChampionAnnouncement, settings.topics().champions.name)
        champions = Champions(
            settings.model_registry(), settings.bundle_cache(), settings.contract(), serde, self._metrics.refused.inc
        )
        champions.passed_over = self._passed_over
        return champions

    @cached_property
    def _checker(self) -> PerformanceChecker:
        return PerformanceChecker(partial(look_aside, self._settings), self._settings.performance_every_s)

    @cached_property
    def _serdes(self) -> Serdes:
        return Serdes.of(self._settings)

    @cached_property
    def _writers(self) -> Mapping[str, WriterSchemas]:
        registry = self._settings.registry()
        return {topic: WriterSchemas(registry, topic) for topic in self._settings.sources()}

    def run(self) -> None:
        """Run until the process stops.

        Raises:
            SetupError: a person must act.
            StoppedError: the process stops before there is a champion.
        """
        self.lifecycle.at("waiting for the broker")
        waits = Backoff()
        while not self.lifecycle.stopping.is_set():
            try:
                self._work(waits)
            except OutageError as fault:
                self._duplicates.doubt(fault)
                self._hanging_transactions.doubt(fault)
                self.lifecycle.wait_out(fault, waits)

    def health(self) -> Health:
        session, watched = self._session, self.champions.reference
        monitor = session.owning.monitor if session else None
        facts: dict[str, Any] = {
            "stage": self.lifecycle.stage,
            "away": self.lifecycle.away,
            "instance": self.instance.name,
            "champion": watched.champion_version if watched else None,
            "reference_id": watched.reference_id if watched else None,
            "partitions": [f"{topic}-{partition}" for topic, partition in session.counting.places] if session else [],
            "watermarks": _watermarks(session.counting) if session else {},
            "owner": monitor is not None,
            "in_flight": monitor.memory.in_flight if monitor else None,
            "latched": monitor.memory.latched if monitor else None,
            "panes_held": monitor.pane_count if monitor else None,
        }
        live = self.lifecycle.is_live(self.turn_s())
        return Health(live=live, ready=bool(session and session.counting.assigned and watched), facts=facts)

    def turn_s(self) -> float:
        """How long the turn under way has taken, in seconds; 0 outside of turns."""
        began = self._turn_began
        return time.monotonic() - began if began is not None else 0.0

    def _work(self, waits: Backoff) -> None:
        """One session, until the process stops or something fails."""
        require_topics(self._settings, KafkaPrincipal.DRIFT_AGENT)
        self._duplicates.require_none(self.lifecycle.stopping)
        announcements = Announcements(self._settings, self._settings.topics().champions.name)
        try:
            self._await_champion(announcements)
            self._settle()
            session = self._open(announcements)
        except BaseException:
            announcements.close()
            raise
        self._session = session
        self._metrics.sessions.inc()
        self.lifecycle.at("watching")
        try:
            while not self.lifecycle.stopping.is_set():
                self._turn_began = time.monotonic()
                self._turn(session)
                waits.reset()
                self.lifecycle.report_full_recovery()
        finally:
            self._session, self._turn_began = None, None
            session.close()

    def _settle(self) -> None:
        """Before the first session only: what a former one left behind is garbage, and must be collected."""
        if not self._settled:
            self._settled = True
            gc_freeze.freeze()

    def _open(self, announcements: Announcements) -> _Session:
        reference = self.champions.reference
        assert reference is not None  # noqa: S101 - for the type checker: we have waited for it
        settings = self._settings
        outbox = TransactionalProducer(
            settings, self.instance.transactional_id(settings.group()), opened=self._hanging_transactions.abort
        )
        outbox.open()
        means = CounterDeps(
            settings=settings,
            instance=self.instance.name,
            writers=self._writers,
            metrics=self._metrics,
            stopping=self.lifecycle.stopping,
            joined=self.instance.remember_member,
        )
        counting = PartitionCounter(means, reference)
        watched = WindowSubject(self.champions, self._passed_over, self._checker, self.lifecycle.stopping)
        owning = WindowOwner(settings, self.instance.name, watched, self._serdes, self._metrics)
        return _Session(outbox, counting, owning, announcements)

    def _turn(self, session: _Session) -> None:
        tell_at = time.monotonic() + TELL_EVERY_S
        while session.counting.step(STEP_S) and time.monotonic() < tell_at:
            pass
        session.counting.tell(session.outbox, self._serdes.counts)
        session.owning.step(session.outbox)
        if session.counting.lost or session.owning.lost:
            raise LostSessionError
        if self._follows(session.announcements):
            reference = self.champions.reference
            assert reference is not None  # noqa: S101 - for the type checker: one is followed
            session.counting.follow(reference)

    def _await_champion(self, announcements: Announcements) -> None:
        while not self._follows(announcements) and self.champions.reference is None:
            self.lifecycle.at("waiting for a champion")
            if self.lifecycle.stopping.wait(WAIT_S):
                raise StoppedError

    def _follows(self, announcements: Announcements) -> bool:
        """Whether another champion is watched now; MLflow's absence keeps the one there is."""
        heard = self.champions.hear(announcements)
        now = time.monotonic()
        if not heard and (self.champions.settled or now - self._asked_at < self._settings.champion_poll_s):
            return False
        self._asked_at = now
        try:
            followed = self.champions.follow()
        except OutageError as fault:
            self.lifecycle.report_outage("mlflow", fault)
            return False
        self.lifecycle.report_recovery("mlflow")
        watched = self.champions.reference
        if followed and watched is not None:
            self._metrics.set_champion(watched.champion_version, watched.reference_id)
            log.info("champion.followed", version=watched.champion_version, reference_id=watched.reference_id)
        return followed


def _watermarks(counting: PartitionCounter) -> dict[str, str | None]:
    return {
        f"{topic}-{partition}": moment.isoformat(timespec="seconds") if moment else None
        for (topic, partition), moment in counting.watermarks.items()
    }
