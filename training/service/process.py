"""The trainer's process: its parts, and how they start and stop."""

from typing import Final

import structlog

from schemas.access import KafkaPrincipal
from streams.kafka.admin import require_topics
from streams.kafka.group.batch_reader import Reader
from streams.kafka.group.consumer_config import ConsumerConfig, nothing
from streams.kafka.group.duplicate_instance import DuplicateInstanceCheck
from streams.kafka.producer.event_publisher import EventPublisher
from streams.runtime import health_server, logs
from streams.runtime.instance_id import claim
from streams.runtime.lifecycle import IDLE_STOP_S, leave_within
from streams.runtime.stop_signal import StopSignal
from training.metrics import TrainerMetrics
from training.service.command_consumer import Consumer, TrainerStatus
from training.service.command_handler import SOURCE, CommandHandler
from training.service.result_delivery import ResultDelivery
from training.service.scheduler import Scheduler
from training.settings import TrainingSettings

TRAINING_STOP_S: Final = 25.0
"""With a command in hand; shorter than the patience of Kubernetes (30 s)."""

log = structlog.get_logger(__name__)


def run(stop: StopSignal) -> None:
    """From the settings to the last command.

    Raises:
        SetupError: a person must act.
    """
    settings = TrainingSettings.read()
    logs.configure(settings.log_level, "trainer")
    metrics = TrainerMetrics()
    lifecycle = TrainerStatus(metrics.outage_began)
    settings.plan()
    with EventPublisher(settings, SOURCE) as publisher:
        consumer = _consumer(settings, lifecycle, publisher, metrics)
        with health_server.serve(
            settings.trainer_port, settings.web_host, lambda: lifecycle.health(consumer.reader)
        ) as server:
            log.info("web.listening", url=server.url)
            stop.hand_over(lambda: _leave(lifecycle))
            consumer.run()


def _leave(lifecycle: TrainerStatus) -> None:
    lifecycle.stopping.set()
    # An interrupted command resumes from its journal; marking its run as interrupted takes time.
    leave_within(TRAINING_STOP_S if lifecycle.command_id else IDLE_STOP_S, status=0)


def _consumer(
    settings: TrainingSettings, lifecycle: TrainerStatus, publisher: EventPublisher, metrics: TrainerMetrics
) -> Consumer:
    reading = ConsumerConfig(
        topics=[settings.topics().retrain_commands.name],
        group=settings.group(),
        instance_id=settings.trainer_instance_id,
        most_records=1,
        in_flight=1,
        # A rebalance does not wait for a training: it takes the command with it.
        drain_s=0.0,
        output_topics=[settings.topics().retrain_results.name],
    )
    instance = claim(settings.cache(), settings.group(), settings.trainer_instance_id, standby=settings.standby)
    delivery = ResultDelivery(settings, instance.transactional_id(settings.group()))
    # Without a configured name several share the group as its ordinary members.
    named = instance if settings.trainer_instance_id else None

    def open_reader() -> Reader:
        require_topics(settings, KafkaPrincipal.TRAINER)
        if named is not None:
            DuplicateInstanceCheck(settings, settings.group(), named).require_none(lifecycle.stopping)
        delivery.check()
        return Reader(
            settings,
            reading,
            offsets_lost=metrics.offsets.count,
            joined=nothing if named is None else named.remember_member,
            stopping=lifecycle.stopping,
        )

    return Consumer(
        open_reader=open_reader,
        answering=CommandHandler(settings, publisher),
        delivery=delivery,
        metrics=metrics,
        lifecycle=lifecycle,
        ask=Scheduler(settings, publisher).ask,
    )
