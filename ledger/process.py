"""The ledger's process: its parts, and how they start and stop."""

from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import structlog

from ledger.audit.anchor_schedule import AnchorSchedule
from ledger.ingest import bulk_decision_rows
from ledger.ingest.recorded_topics import row_makers
from ledger.ingest.recorder import Recorder
from ledger.metrics import LedgerMetrics
from ledger.settings import LedgerSettings
from ledger.sql.database import Database
from ledger.sql.migrate import migrate, require_current
from schemas.access import KafkaPrincipal
from schemas.registry_client import WriterSchemas
from streams.kafka.admin import require_topics
from streams.kafka.group.consumer_config import LINGER_S, ConsumerConfig
from streams.runtime import gc_freeze, health_server
from streams.runtime.instance_id import Instance, claim
from streams.runtime.lifecycle import IDLE_STOP_S, Lifecycle, leave_within
from streams.runtime.stop_signal import StopSignal
from streams.traces.tracer_factory import batch_spans_of, tracer_of

ANSWER_S: Final = 60.0
"""Hundreds of times what a batch takes, and far from the 300 s after which the group goes on without this member."""

log = structlog.get_logger(__name__)


@dataclass
class LedgerProcess:
    settings: LedgerSettings

    def __post_init__(self) -> None:
        settings = self.settings
        makers, registry = row_makers(settings.topics()), settings.registry()
        self.metrics = LedgerMetrics(maker.table.name for maker in makers.values())
        self.tracer = tracer_of(settings, "loan-ledger")
        self.lifecycle = Lifecycle(lambda dependency: self.metrics.outages.labels(dependency).inc())
        self.instance: Instance = claim(settings.cache(), settings.group(), settings.ledger_instance_id)
        self.database = Database(settings.ledger_url.get_secret_value(), ANSWER_S)
        self.recorder = Recorder(
            connection=settings,
            reading=ConsumerConfig(
                topics=list(makers),
                group=settings.group(),
                instance_id=self.instance.name,
                most_records=settings.ledger_batch_records,
                linger_s=LINGER_S,
            ),
            database=self.database,
            makers=makers,
            writers={topic: WriterSchemas(registry, topic) for topic in makers},
            metrics=self.metrics,
            lifecycle=self.lifecycle,
            spans=batch_spans_of(self.tracer, "record", "insert", {"messaging.consumer.group.name": settings.group()}),
            daily=AnchorSchedule(self.database, settings.ledger_anchors).look,
        )

    def run(self, stop: StopSignal) -> None:
        """From the first check to the last batch.

        Raises:
            SetupError: a person must act.
            StoppedError: a stop is requested before the first batch.
        """
        with health_server.serve(self.settings.ledger_port, self.settings.web_host, self.health) as server:
            log.info("web.listening", url=server.url)
            stop.hand_over(self._stop)
            self.lifecycle.retry("database", self._prepare)
            self.lifecycle.retry("broker", lambda: require_topics(self.settings, KafkaPrincipal.LEDGER))
            bulk_decision_rows.warm()
            gc_freeze.freeze()
            self.recorder.run()
        self.database.close()
        if self.tracer is not None:
            self.tracer.close()

    def health(self) -> health_server.Health:
        """For the web port: supervisors and waiting clients."""
        consumer = self.recorder.consumer
        facts: dict[str, Any] = {
            "stage": self.lifecycle.stage,
            "away": self.lifecycle.away,
            "instance": self.instance.name,
            "partitions": sorted(f"{topic}-{number}" for topic, number in consumer.partitions) if consumer else [],
        }
        return health_server.Health(live=True, ready=self.recorder.ready, facts=facts)

    def _prepare(self) -> None:
        if self.settings.ledger_migrate:
            # Without a limit: a new column of a large table takes its time.
            with closing(Database(self.settings.ledger_url.get_secret_value())) as database:
                log.info("tables.migrated", revision=migrate(database))
        else:
            require_current(self.database)

    def _stop(self) -> None:
        self.lifecycle.stopping.set()
        # A batch is a transaction or nothing.
        leave_within(IDLE_STOP_S, status=0)
