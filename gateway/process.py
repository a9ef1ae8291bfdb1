"""The gateway's process: its parts, and how they start and stop.

HTTP answers from the first moment on, `/health` included; a thread `start` waits for broker, registry
and champion meanwhile. A fault in how the process is set up ends it with one line.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
import structlog
import uvicorn
import uvloop

from gateway.access.access_guard import AccessGuard
from gateway.access.api_keys import read_keys
from gateway.access.oidc import OidcVerifier, Provider
from gateway.access.rate_limit import RateLimiter
from gateway.access.roles import ANYBODY, VISITOR
from gateway.api.request_model import application_model
from gateway.app import create_app
from gateway.demo.made_up_exchange import MadeUpExchange
from gateway.desk.visits.entrance import provider_sign_in
from gateway.exchange.decision_reader import DecisionReader, Observer
from gateway.exchange.exchange import Exchange, with_spans
from gateway.exchange.ledger_lookup import LedgerLookup
from gateway.exchange.pending_decisions import Decision, PendingDecisions
from gateway.exchange.publisher import ApplicationPublisher
from gateway.gateway_parts import Gateway, publish_nowhere
from gateway.live.activity import Activity
from gateway.live.event_follower import EventFollower
from gateway.live.live_figures import Live
from gateway.metrics import GatewayMetrics
from gateway.server import Server, config, listening_socket
from gateway.settings import GatewaySettings
from schemas.access import KafkaPrincipal
from schemas.codec.event_codec import avro_schema
from schemas.contract.contract import Contract
from schemas.errors import StoppedError
from schemas.events.decisions import LoanDecision
from schemas.registry_client import registered_id
from scorecard.counterfactuals import CounterfactualSearch
from scorecard.decisions.hypothetical import Hypotheticals
from scorecard.decisions.scoring import RegisteredScorecard
from scorecard.policy import Policy
from streams.kafka.admin import require_group, require_topics
from streams.kafka.group.lag_monitor import LagMonitor
from streams.kafka.producer.event_publisher import EventPublisher
from streams.runtime import gc_freeze
from streams.runtime.lifecycle import Lifecycle
from streams.runtime.stop_signal import StopSignal
from streams.traces.tracer_factory import tracer_of
from streams.worker.model_slots import ModelSlot, ModelWatcher

DELIVERY_SHARE: Final = 0.5
"""Share of a request's time: an application not acknowledged by then is reported as not accepted."""

log = structlog.get_logger(__name__)


class GatewayProcess:
    def __init__(self, settings: GatewaySettings) -> None:
        """Connects nothing.

        Raises:
            SetupError: the product, the file of API keys, or the trusted keys.
        """
        self.settings = settings
        self.lifecycle = Lifecycle()
        self.tracer = tracer_of(settings, "loan-gateway")
        self.pending = PendingDecisions(settings.gateway_max_waiting, settings.gateway_remembered)
        self.metrics = GatewayMetrics(lambda: self.pending.waiting)
        self.publisher = ApplicationPublisher(
            settings, self.lifecycle, delivery_s=settings.gateway_timeout_s * DELIVERY_SHARE
        )
        self.activity = Activity(time.time)
        self.lag = LagMonitor(settings, settings.topics().applications.name, settings.worker_group())
        self.leaving = threading.Event()
        self.live = Live(self.activity, self.lag, closing=self.leaving.is_set)
        self.follower = EventFollower(settings, self.activity, self.live.events)
        self.reader = DecisionReader(
            settings,
            self.lifecycle,
            wants=self.pending.wants,
            decided=self._on_decisions,
            failed=self._end,
            observer=_ObservedDecisions(self.activity, self.metrics),
        )
        self.hypotheticals = Hypotheticals(settings.contract())
        self.versions = settings.model_registry()
        self.champion = ModelSlot(
            "champion", self.versions, settings.contract(), self.lifecycle, on_change=self.metrics.record_champion_event
        )
        self.champion.warm = self._warm
        self.watcher = ModelWatcher([self.champion], settings.champion_poll_s)
        self.events = EventPublisher(settings, "/loan/gateway")
        url = settings.ledger_url.get_secret_value() if settings.ledger_url else ""
        self.ledger = LedgerLookup(url, settings.gateway_timeout_s) if url else None
        self.gateway = self._gateway(settings.contract())
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: uvicorn.Server | None = None
        self._fault: Exception | None = None

    def run(self, stop: StopSignal) -> None:
        """Serve until a stop is requested.

        Raises:
            SetupError: a person must act.
            Exception: whatever ended the thread that connects or the one that reads decisions.
        """
        listening = listening_socket(self.settings.gateway_host, self.settings.gateway_port)
        self._server = server = Server(
            config(create_app(self.gateway), self.settings.gateway_read_timeout_s), self.leaving
        )
        # From the loop's start on its own handlers hear; until then a stop is remembered.
        stop.hand_over(lambda: setattr(server, "should_exit", True))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve(server, listening))
        if self._fault is not None:
            raise self._fault

    async def _serve(self, server: uvicorn.Server, listening: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        host, port = listening.getsockname()[:2]
        log.info("web.listening", url=f"http://{host}:{port}")
        threading.Thread(target=self._start, name="start", daemon=True).start()
        try:
            await server.serve(sockets=[listening])
        finally:
            self.lifecycle.stopping.set()
            await asyncio.to_thread(self._close)

    def _start(self) -> None:
        try:
            self._connect()
        except StoppedError:
            return
        except Exception as fault:  # noqa: BLE001 - raised again by `run`
            self._end(fault)

    def _end(self, fault: Exception) -> None:
        """End the process with this fault: without its threads it would answer 503 for ever, and `/health` 200."""
        self._fault = fault
        if self._server is not None:
            self._server.should_exit = True

    def _connect(self) -> None:
        settings, lifecycle = self.settings, self.lifecycle
        lifecycle.at("waiting for the schema registry")
        topics, registry = settings.topics(), settings.registry()
        wanted = (
            (f"{topics.applications.name}-value", settings.contract().schema),
            (f"{topics.decisions.name}-value", avro_schema(LoanDecision)),
        )
        application_id, decision_id = (
            lifecycle.retry("registry", partial(registered_id, registry, subject, schema)) for subject, schema in wanted
        )
        lifecycle.at("waiting for the broker")
        if not settings.gateway_demo:
            lifecycle.retry("broker", self._require_rights)
        lifecycle.retry("broker", partial(self.reader.open, frozenset({decision_id})))
        if settings.gateway_demo:
            # No producer: what a visitor types cannot be published, whatever an endpoint does.
            self.publisher.schema_id = application_id
        else:
            self.publisher.start(application_id)
        self.follower.start()
        self.lag.start()
        self._await_champion()
        gc_freeze.freeze()
        lifecycle.at("serving")

    def _require_rights(self) -> None:
        require_topics(self.settings, KafkaPrincipal.GATEWAY)
        require_group(self.settings, self.settings.worker_group())

    def _await_champion(self) -> None:
        self.champion.look()
        while self.champion.holder is None:
            self.lifecycle.at("waiting for a champion")
            if self.lifecycle.stopping.wait(self.settings.champion_poll_s):
                raise StoppedError
            self.champion.look()
        self.watcher.start()

    def _close(self) -> None:
        self.watcher.close()
        self.follower.close()
        self.lag.close()
        self.publisher.close()
        self.events.close()
        self.reader.close()
        for each in (self.ledger, self.tracer):
            if each is not None:
                each.close()

    def _on_decisions(self, decisions: Sequence[Decision]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self.pending.add_decisions, decisions)
        holder = self.champion.holder
        if holder and any(each["scorecard_digest"] != holder.scorecard.digest for each in decisions):
            self.watcher.nudge()

    def _gateway(self, contract: Contract) -> Gateway:
        settings = self.settings
        keys = read_keys(settings.gateway_api_keys) if settings.gateway_api_keys else None
        provider = Provider(settings.oidc_issuer, settings.oidc_audience, settings.oidc_roles_claim)
        tokens = OidcVerifier(provider) if settings.oidc_issuer else None
        return Gateway(
            settings=settings,
            contract=contract,
            application=application_model(contract),
            lifecycle=self.lifecycle,
            exchange=self._exchange(),
            reader=self.reader,
            champion=self.champion,
            guard=AccessGuard(
                keys, tokens, RateLimiter(settings.gateway_rate_per_s), VISITOR if settings.gateway_demo else ANYBODY
            ),
            metrics=self.metrics,
            hypotheticals=self.hypotheticals,
            live=self.live,
            versions=self.versions,
            ledger=self.ledger,
            sign_in=provider_sign_in(settings, provider, tokens),
            tracer=self.tracer,
            publish_event=publish_nowhere if settings.gateway_demo else self.events.publish,
        )

    def _exchange(self) -> Exchange:
        if self.settings.gateway_demo:
            return MadeUpExchange(self.pending, self.publisher, self.hypotheticals, self._decider)
        settings = self.settings
        seals = bool(settings.keys_url.get_secret_value())
        publisher = with_spans(self.publisher, self.tracer, settings.topics().applications.name)
        return Exchange(self.pending, publisher, timeout_s=settings.gateway_timeout_s, seals=seals)

    def _decider(self) -> tuple[RegisteredScorecard, Policy] | None:
        holder = self.champion.holder
        return (holder, self.gateway.policy(holder)) if holder else None

    def _warm(self, successor: RegisteredScorecard) -> None:
        policy = self.settings.policy() or successor.scorecard.policy
        self.hypotheticals.warm(successor, policy)
        contract = self.settings.contract()
        CounterfactualSearch(successor.scorecard, policy, contract).warm(np.zeros(len(contract.observed)))


class _ObservedDecisions(Observer):
    """Decisions as metrics and the page Live count them."""

    def __init__(self, activity: Activity, metrics: GatewayMetrics) -> None:
        self._activity, self._metrics = activity, metrics

    def read(self, count: int) -> int:
        self._metrics.decisions_read.inc(count)
        return self._activity.read(count)

    def add_sample(self, decision: Decision, produced_ms: int) -> None:
        self._activity.add_sample(decision, produced_ms)
