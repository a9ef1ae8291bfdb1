"""The trainer's loop: one command at a time; it keeps polling while it works, so that it stays in the group.

The work is in a separate thread; other threads read its status. A command is
committed with its answer, never before. In an outage the trainer waits and keeps its command.
"""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from schemas.errors import OutageError, StoppedError
from schemas.events.retraining import RetrainStatus
from streams.kafka.group.batch_reader import ReadBatch, Reader
from streams.runtime.health_server import Health
from streams.runtime.lifecycle import Backoff, Lifecycle
from training.metrics import UNREADABLE, TrainerMetrics
from training.pipeline.plan import TrainingProgress
from training.service.command_deduplication import CommandPosition
from training.service.command_handler import CommandAnswer, CommandHandler, CommandRecord
from training.service.result_delivery import ResultDelivery

POLL_S: Final = 0.2
GRACE_S: Final = 20.0
"""How long a training may take to notice that it is to stop: it looks between trials."""

log = structlog.get_logger(__name__)


class TrainerStatus(Lifecycle):
    """The trainer's lifecycle, and the command in hand."""

    command_id: str = ""
    broken: BaseException | None = None
    """The reason for the end of the process."""

    def health(self, reader: Reader | None) -> Health:
        """Ready where it has joined its group and nothing it needs is away."""
        facts: dict[str, Any] = {"stage": self.stage, "command_id": self.command_id, "away": self.away}
        joined = reader is not None and reader.assigned
        return Health(live=self.broken is None, ready=joined and not self.away, facts=facts)


@dataclass
class Consumer:
    """Takes commands up and sees them answered."""

    open_reader: Callable[[], Reader]
    answering: CommandHandler
    delivery: ResultDelivery
    metrics: TrainerMetrics
    lifecycle: TrainerStatus
    ask: Callable[[], None] = lambda: None
    """Called often while no command is in hand and this trainer owns the command topic; may raise OutageError."""
    reader: Reader | None = None
    waits: Backoff = field(default_factory=Backoff)

    def run(self) -> None:
        """Run until a stop is requested.

        Raises:
            SetupError: a topic or schema is not there; a person must act.
        """
        while not self.lifecycle.stopping.is_set():
            try:
                with closing(self.open_reader()) as self.reader:
                    self._follow(self.reader)
            except OutageError as fault:
                self.delivery.doubt(fault)
                self.lifecycle.wait_out(fault, self.waits)

    def _follow(self, reader: Reader) -> None:
        self.lifecycle.at("waiting")
        while not self.lifecycle.stopping.is_set():
            batch = reader.read(POLL_S)
            if batch is not None:
                self._work_on(reader, batch)
            elif reader.partitions:
                self._wait_for_work()

    def _wait_for_work(self) -> None:
        try:
            self.ask()
        except OutageError as fault:
            # Not left to `run`, which would leave the group for it.
            self.lifecycle.wait_out(fault, self.waits)
        else:
            self.lifecycle.report_full_recovery()
            self.waits.reset()

    def _work_on(self, reader: Reader, batch: ReadBatch) -> None:
        """One command to its end, polling meanwhile."""
        work = threading.Thread(target=self._answer, args=(batch,), name="training", daemon=True)
        work.start()
        try:
            while work.is_alive() and not self.lifecycle.stopping.is_set():
                reader.read(POLL_S)
        except OutageError:
            # Possibly removed from the group: the reader's partitions are outdated.
            self.reader = None
            raise
        finally:
            # Even where reading broke: a command taken up twice at once would be trained for twice.
            self._await(work)
        if self.lifecycle.broken is not None:
            raise self.lifecycle.broken
        if not self.lifecycle.stopping.is_set():
            # Answered, or another trainer's by a rebalance in between.
            reader.acknowledge(batch)
        self.lifecycle.command_id = ""
        self.lifecycle.at("waiting")

    def _await(self, work: threading.Thread) -> None:
        while work.is_alive() and not self.lifecycle.stopping.is_set():
            work.join(POLL_S)
        work.join(GRACE_S)

    def _answer(self, batch: ReadBatch) -> None:
        began = time.monotonic()
        self.metrics.in_progress.set(1)
        try:
            status = self._retry(lambda: self._one(batch))
        except StoppedError:
            return
        except Exception as fault:  # noqa: BLE001 - of another thread: told to the one that decides
            self.lifecycle.broken = fault
            return
        finally:
            self.metrics.in_progress.set(0)
        if status:
            self.metrics.commands.labels(status=status).inc()
            self.metrics.seconds.observe(time.monotonic() - began)
        if status == RetrainStatus.PROMOTED:
            self.metrics.last.set_to_current_time()

    def _one(self, batch: ReadBatch) -> str | None:
        self._require_current(batch)
        with self.delivery.session():
            asked = self._read(batch)
            if asked is None:
                self._deliver(batch, None)
                return UNREADABLE
            self.lifecycle.command_id = asked.command.command_id
            answer = self.answering.answer(asked, self._watch(batch))
            self._deliver(batch, answer)
        return answer.result.status.value if answer else None

    def _read(self, batch: ReadBatch) -> CommandRecord | None:
        records = batch.records
        place = CommandPosition(records.partitions[0], records.offsets[0])
        return self.answering.read(records.values[0], place, records.timestamps[0])

    def _deliver(self, batch: ReadBatch, answer: CommandAnswer | None) -> None:
        """The answer and the command's offset; the broker refuses both where the group has gone on without us."""
        self._require_current(batch)
        self.delivery.deliver(batch, [answer.record] if answer else [])
        if answer:
            result = answer.result
            log.info("command.answered", command_id=result.command_id, status=result.status.value, why=result.why)

    def _require_current(self, batch: ReadBatch) -> None:
        # After a rebalance another trainer may have the command, or had it. Read again, it is gone on with
        # where the search stopped, or found answered.
        if self.reader is None or not self.reader.is_current(batch):
            log.warning("command.reassigned", command_id=self.lifecycle.command_id)
            raise StoppedError

    def _retry(self, work: Callable[[], str | None]) -> str | None:
        """Result of the work, tried again after each outage.

        Raises:
            StoppedError: a stop is requested.
        """
        waits = Backoff()
        while not self.lifecycle.stopping.is_set():
            try:
                answer = work()
            except OutageError as fault:
                self.lifecycle.wait_out(fault, waits)
            else:
                self.lifecycle.report_full_recovery()
                return answer
        raise StoppedError

    def _watch(self, batch: ReadBatch) -> TrainingProgress:
        def step(word: str) -> None:
            if self.lifecycle.stopping.is_set():
                raise StoppedError
            self._require_current(batch)
            self.lifecycle.at(word)

        return TrainingProgress(
            step=step, trial=lambda _: self.metrics.trials.inc(), stop=self.lifecycle.stopping.is_set
        )
