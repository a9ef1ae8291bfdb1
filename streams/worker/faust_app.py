"""The scoring worker as a Faust app: one agent that answers, and one that reads announcements.

Faust gives agents, channels, services and their lifecycle; applications and decisions pass through
`streams.worker.data_plane` and `streams.kafka.producer.delivery`, on librdkafka.
"""

import asyncio
import signal
import ssl
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, cast

import faust
import structlog
from faust.app.base import BootStrategy
from faust.auth import OAuthCredentials

from schemas.topics import announcements_group
from streams.runtime.client_properties import OAUTH
from streams.runtime.lifecycle import IDLE_STOP_S, STOP_S, leave_within
from streams.runtime.settings import Connection
from streams.runtime.stop_signal import StopSignal
from streams.worker.client_token import ClientToken
from streams.worker.data_plane import BatchChannel, DataPlane, InFlightBatch
from streams.worker.faust_transport import PatientTransport

SESSION_S: Final = 8.0
HEARTBEAT_S: Final = 2.0
REQUEST_S: Final = 12.0
"""Faust refuses a session longer than a request may take."""

FAUST_START_S: Final = 3.0
FAUST_STOP_S: Final = 6.0
"""After this project's own work is done; within `STOP_S`."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppParts:
    """The parts of the app."""

    connection: Connection
    instance: str
    """Names this worker; its announcements have a separate group, so that every worker receives each."""
    datadir: str
    plane: DataPlane
    answer: Callable[[InFlightBatch], None]
    """Blocking; called in a thread."""
    announced: Callable[[], None]


def scoring_app(parts: AppParts) -> Any:
    """The Faust app, not started."""
    connection = parts.connection
    champions = connection.topics().champions.name
    app = ScoringApp(
        announcements_group(connection.topics(), parts.instance),
        broker=[f"kafka://{server.strip()}" for server in connection.bootstrap_servers.split(",")],
        broker_credentials=credentials(connection),
        datadir=parts.datadir,
        autodiscover=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        # A static member in a short session: otherwise a killed worker's successor waits a minute to be let in.
        consumer_group_instance_id=parts.instance,
        broker_session_timeout=SESSION_S,
        broker_heartbeat_interval=HEARTBEAT_S,
        broker_request_timeout=REQUEST_S,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
    )
    app.plane = parts.plane
    parts.plane.channel = BatchChannel(app)
    app.agent(parts.plane.channel, name="score")(_score(parts))
    topic = app.topic(champions, key_serializer="raw", value_serializer="raw", value_type=bytes, allow_empty=True)
    app.agent(topic, name="announcements")(_hear(parts))
    return app


def _score(parts: AppParts) -> Callable[[Any], Any]:
    hands = ThreadPoolExecutor(max_workers=1, thread_name_prefix="answers")

    async def score(batches: Any) -> None:
        """Answer every batch; one at a time, in the order read."""
        loop = asyncio.get_running_loop()
        async for handed in batches:

            async def act(handed: InFlightBatch = handed) -> None:
                await loop.run_in_executor(hands, parts.answer, handed)

            await parts.plane.answer(handed, act)

    return score


def _hear(parts: AppParts) -> Callable[[Any], Any]:
    async def announcements(stream: Any) -> None:
        """Poll the registry after an announcement; the registry, not the announcement, names the champion."""
        async for _ in stream:
            log.info("announcement.received")
            parts.announced()

    return announcements


class Boot(BootStrategy):
    """Services in order of start: the data plane and its agent before, and apart from, Faust's own Kafka clients."""

    enable_kafka_producer = False
    enable_web = False

    def server(self) -> Iterable[Any]:
        """Services of a worker; they stop the other way round."""
        return chain(
            self.sensors(), self.agents(), [cast(ScoringApp, self.app).plane], self.kafka_consumer(), self.rest()
        )

    def rest(self) -> Iterable[Any]:
        """The conductor subscribes the consumer; tables are none, but Faust waits for their recovery."""
        return chain(self.kafka_conductor(), self.tables())


class ScoringApp(faust.App):
    """A Faust app with a data plane."""

    BootStrategy = Boot
    plane: DataPlane

    def _new_transport(self) -> PatientTransport:
        return PatientTransport(self.conf.broker_consumer, self, loop=self.loop)

    async def _on_agent_error(self, _agent: Any, fault: BaseException) -> None:
        # Faust would start the agent again behind the batch that failed. Nothing was committed: by stopping
        # the process nothing is lost.
        await self.crash(fault)


def credentials(connection: Connection) -> Any:
    """Of Faust's own consumer; None without security."""
    protocol = connection.kafka_security_protocol
    if protocol == "PLAINTEXT":
        return None
    if protocol == "SSL":
        return faust.SSLCredentials(_ssl_context(connection))
    context = _ssl_context(connection) if protocol == "SASL_SSL" else None
    if connection.kafka_sasl_mechanism == OAUTH:
        return OAuthCredentials(oauth_cb=ClientToken(connection.client_properties()), ssl_context=context)
    return faust.SASLCredentials(
        username=connection.kafka_sasl_username,
        password=connection.kafka_sasl_password.get_secret_value(),
        mechanism=connection.kafka_sasl_mechanism or "PLAIN",
        ssl_context=context,  # type: ignore[arg-type]
    )


def _ssl_context(connection: Connection) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=connection.kafka_ssl_ca_location or None)
    if connection.kafka_ssl_certificate_location:
        context.load_cert_chain(
            connection.kafka_ssl_certificate_location,
            connection.kafka_ssl_key_location or None,
            connection.kafka_ssl_key_password.get_secret_value() or None,
        )
    return context


def run(parts: AppParts, stop: StopSignal, *, stopping: Callable[[], None]) -> None:
    """Run the app until a stop or a crash; the batch in flight is finished first.

    Args:
        parts: what the app is made of.
        stop: stops it, from here on.
        stopping: called as soon as it does.

    Raises:
        Exception: what the app crashed for.
    """
    # Before the app is made: Faust's services take the loop that is current then.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = Worker(scoring_app(parts), loop=loop, override_logging=False, redirect_stdouts=False, quiet=True)
    worker.spinner = None
    worker.is_up = asyncio.Event()

    def leave() -> None:
        stopping()
        with suppress(RuntimeError):  # the loop is closed: the app has crashed, and we are leaving
            loop.call_soon_threadsafe(worker.leave)

    stop.hand_over(leave)
    worker.run()


class Worker(faust.Worker):
    """A Faust worker inside this process, which handles exit, signals and logs itself."""

    is_up: asyncio.Event

    def run(self) -> None:
        """Start, and stay until stopped or crashed."""
        starting = asyncio.ensure_future(self.start(), loop=self.loop)
        self._starting_fut = starting
        try:
            self.loop.run_until_complete(starting)
        except asyncio.CancelledError:
            log.info("process.stopping")
        finally:
            leave_within(STOP_S)
            self.stop_and_shutdown()

    async def on_startup_finished(self) -> None:
        """Faust's own clients are up: from now on they can be stopped."""
        self.is_up.set()
        await super().on_startup_finished()

    def install_signal_handlers(self) -> None:
        """None of Faust's: they would not react before the event loop runs."""

    def leave(self) -> None:
        """Stop, the batch in flight finished; called in the loop."""
        self._schedule_shutdown(signal.SIGTERM)

    async def _stop_on_signal(self, signal: Any) -> None:
        plane = cast(ScoringApp, self.app).plane
        if plane.idle:
            leave_within(IDLE_STOP_S, status=0)
        # The batch in flight first. Faust's consumer, stopped while it starts, hangs: it is let start, and where
        # it still hangs, this project's work is done and the process exits without it.
        await plane.stop()
        leave_within(FAUST_STOP_S, status=0)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.is_up.wait(), FAUST_START_S)
        await super()._stop_on_signal(signal)
