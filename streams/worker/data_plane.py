"""The data plane: a Faust service that reads batches with librdkafka and puts them on a Faust channel.

Applications do not pass through Faust's own consumer: the channel's queue is not the
flow-controlled one, which Faust empties whenever its own group rebalances.

One reader and one delivery have one lifetime, as a `KafkaSession`. After any failure, the session is discarded
with all it holds, and the next one begins from the committed offsets. After an outage the next session begins here;
any other exception ends the process, since Faust would restart the agent after the batch that failed.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import faust
import structlog
from mode import Service
from mode.utils.queues import FlowControlEvent, ThrowableQueue

from schemas.errors import OutageError, StoppedError
from streams.kafka.group.batch_reader import ReadBatch, Reader
from streams.kafka.kafka_errors import LostSessionError
from streams.kafka.producer.delivery import Delivery
from streams.runtime.lifecycle import Backoff, Lifecycle

DEPENDENCY: Final = "broker"
DRAIN_S: Final = 6.0
"""Within `STOP_S`: batches in flight for longer are left to the successor."""
SUBSCRIBED_POLL_S: Final = 0.01

Answer = TypeVar("Answer")

log = structlog.get_logger(__name__)
_sessions = itertools.count()


class LeftBatchError(OutageError):
    """A batch was left undone: a stop was requested, or its task was cancelled. Nothing after it may be committed."""


class BatchChannel(faust.Channel[Any]):
    """A Faust channel whose queue only its reader empties."""

    @property
    def queue(self) -> Any:
        """The buffer behind the channel, made at its first use inside the event loop."""
        if self._queue is None:
            flowing = FlowControlEvent(initially_suspended=False)
            self._queue = ThrowableQueue(maxsize=0, flow_control=flowing)
        return self._queue


@dataclass(frozen=True, slots=True, eq=False)
class KafkaSession:
    """A reader and the delivery of what it reads."""

    reader: Reader
    delivery: Delivery
    number: int = field(default_factory=lambda: next(_sessions))

    def close(self) -> None:
        """Throw both away. Blocks for a moment."""
        self.reader.close()
        self.delivery.close()


@dataclass(frozen=True, slots=True)
class InFlightBatch:
    """A batch on the channel, and the session that it belongs to."""

    batch: ReadBatch
    session: KafkaSession


class DataPlane(Service):
    """Keeps one session open, and its batches flowing."""

    def __init__(
        self,
        open_session: Callable[[], KafkaSession],
        lifecycle: Lifecycle,
        lost: Callable[[OutageError], object] = lambda _fault: None,
        **of_mode: Any,
    ) -> None:
        """Opens nothing yet.

        Args:
            open_session: opens delivery and reader, in this order; blocks, raises OutageError or SetupError.
            lost: called with what ended a session, before the next one is opened.
        """
        super().__init__(**of_mode)
        self.channel: Any = None
        self.session: KafkaSession | None = None
        self._open_session = open_session
        self._lost = lost
        self._lifecycle = lifecycle
        self._hands = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader")
        self._fault: Exception | None = None
        self._answering = asyncio.Lock()
        self._held: dict[int, InFlightBatch] = {}
        self._backoff = Backoff()
        self._ended = asyncio.Event()
        self._busy_since: float | None = None

    async def on_stop(self) -> None:
        """Finish what is in flight, and leave."""
        if self._started.is_set():
            await self._ended.wait()
        self._hands.shutdown(wait=False)

    @Service.task
    async def _run(self) -> None:
        try:
            while not self.should_stop:
                await self._one_session()
        finally:
            self._ended.set()

    async def answer(self, handed: InFlightBatch, act: Callable[[], Awaitable[None]]) -> None:
        """Do `act` for a batch, unless it was revoked; any exception ends the session.

        Raises:
            Exception: what `act` raised, but for an outage: the process is to end.
        """
        async with self._answering:
            if handed.session is not self.session or self._fault is not None:
                return
            self._busy_since = time.monotonic()
            try:
                if handed.session.reader.is_current(handed.batch):
                    await act()
                    self._backoff.reset()
            except OutageError as fault:
                self._fault = fault
            except StoppedError:
                self._leave(handed)
            except BaseException as fault:
                # Remembered before the lock is let go: the next batch in flight waits for it.
                self._fault = fault if isinstance(fault, Exception) else LeftBatchError(type(fault).__name__)
                raise
            finally:
                self._busy_since = None
                handed.session.reader.release(handed.batch)
                self._held.pop(handed.batch.number, None)

    def _leave(self, handed: InFlightBatch) -> None:
        log.info("batch.abandoned", number=handed.batch.number)
        if handed.session.reader.is_current(handed.batch):
            self._fault = LeftBatchError()

    def lag_records(self) -> float:
        """Applications that wait: behind the reader, and in hand."""
        session = self.session
        behind = session.reader.lag() if session else 0
        return float(behind + sum(len(handed.batch.records) for handed in list(self._held.values())))

    def lag_seconds(self) -> float:
        """Age of the oldest application in hand; zero where none is."""
        held = list(self._held.values())
        oldest = min((min(handed.batch.records.timestamps) for handed in held), default=None)
        return max(time.time() - oldest / 1000, 0.0) if oldest is not None else 0.0

    @property
    def idle(self) -> bool:
        """Whether no batch is in hand."""
        return not self._held

    def busy_s(self) -> float:
        """How long the batch being answered has been so; zero between two batches."""
        since = self._busy_since
        return time.monotonic() - since if since is not None else 0.0

    async def _one_session(self) -> None:
        try:
            self.session = await self._by_hand(self._open_session)
            self._lifecycle.report_recovery(DEPENDENCY)
            await self._pump(self.session)
            await self._drain()
        except OutageError as fault:
            self._lost(fault)
            if not isinstance(fault, LeftBatchError):
                self._lifecycle.report_outage(DEPENDENCY, fault)
            log.warning("session.lost", error=type(fault).__name__, why=str(fault))
            await self._close()
            await self.sleep(self._backoff.next())
        except Exception:
            await self._close()
            raise
        else:
            await self._close()

    async def _pump(self, session: KafkaSession) -> None:
        while not self.should_stop:
            batch = await self._by_hand(session.reader.read)
            if self._fault is not None:
                raise self._fault
            if session.reader.lost:
                raise LostSessionError
            if batch is not None:
                await self._hand_over(InFlightBatch(batch, session))

    async def _hand_over(self, handed: InFlightBatch) -> None:
        # A channel without a subscriber drops what is put on it.
        while not self.channel.subscriber_count:  # noqa: ASYNC110 - Faust offers no event for this
            await asyncio.sleep(SUBSCRIBED_POLL_S)
        self._held[handed.batch.number] = handed
        await self.channel.put(handed)

    async def _drain(self) -> None:
        until = time.monotonic() + DRAIN_S
        while self._held and self._fault is None and time.monotonic() < until:  # noqa: ASYNC110 - a fault ends it too
            await asyncio.sleep(SUBSCRIBED_POLL_S)

    async def _close(self) -> None:
        async with self._answering:
            session, self.session, self._fault = self.session, None, None
            self._held.clear()
        if session is not None:
            await self._by_hand(session.close)

    async def _by_hand(self, act: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._hands, act)
