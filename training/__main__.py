"""The trainer's process: `python -m training`.

Exit status: 0 when told to stop, 1 for a crash (a supervisor starts it again), 2 for a fault in how it is set up.
"""

import os
import signal
import sys
import threading
from typing import Final

import structlog

from schemas.errors import SetupError
from streams.kafka.batch_reader import Reader
from streams.kafka.consumer import ConsumerConfig
from streams.kafka.event_publisher import EventPublisher
from streams.runtime import health_server, logs
from training.metrics import Metrics
from training.service.command_consumer import Consumer, TrainerStatus
from training.service.command_handler import SOURCE, CommandHandler
from training.service.scheduler import Scheduler
from training.settings import TrainingSettings

MISCONFIGURED: Final = 2

log = structlog.get_logger(__name__)


def main() -> int:
    """Run until told to stop; the exit status."""
    try:
        settings = TrainingSettings.read()
        logs.configure(settings.log_level, "trainer")
        run(settings)
    except SetupError as fault:
        sys.stderr.write(f"trainer: {fault}\n")
        return MISCONFIGURED
    return 0


def run(settings: TrainingSettings) -> None:
    """From the first check to the last command.

    Raises:
        SetupError: a person must act.
    """
    situation = TrainerStatus()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: situation.stopping.set())
    settings.plan()
    reading = ConsumerConfig(
        topics=[settings.topics().retrain_commands.name],
        group=settings.group(),
        instance_id=settings.trainer_instance_id,
        most_records=1,
        in_flight=1,
        # The thread that reads is the one that commits: a rebalance that waited for it would wait for itself.
        drain_s=0.0,
    )
    with EventPublisher(settings, SOURCE) as publisher:
        consumer = Consumer(
            open_reader=lambda: Reader(settings, reading),
            answering=CommandHandler(settings, publisher),
            metrics=Metrics(),
            situation=situation,
            retry_s=settings.retry_s,
            ask=Scheduler(settings, publisher).ask,
        )
        with health_server.serve(
            settings.web_port, settings.web_host, lambda: situation.health(consumer.reader)
        ) as server:
            log.info("web.listening", url=server.url)
            consumer.run()
    log.info("trainer.stopped")
    if any(thread.name == "training" and thread.is_alive() for thread in threading.enumerate()):
        # A fit cannot be broken off, and a library that computes while the interpreter ends crashes it.
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
