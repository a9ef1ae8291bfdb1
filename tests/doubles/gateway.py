"""A gateway without a broker: applications are kept, and decided by the worker's real core."""

import asyncio
import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from gateway.access.access_guard import AccessGuard
from gateway.access.oidc_sign_in import OidcSignIn
from gateway.access.rate_limit import RateLimiter
from gateway.access.roles import ANYBODY, VISITOR
from gateway.api.request_model import application_model
from gateway.app import create_app
from gateway.demo.made_up_exchange import MadeUpExchange
from gateway.exchange.exchange import Exchange, with_spans
from gateway.exchange.ledger_lookup import LedgerLookup
from gateway.exchange.pending_decisions import PendingDecisions
from gateway.gateway_parts import Gateway
from gateway.live.activity import Activity
from gateway.live.live_figures import Live
from gateway.metrics import GatewayMetrics
from gateway.settings import GatewaySettings
from schemas.codec.event_codec import avro_schema
from schemas.codec.wire_format import frame, unframe
from schemas.events.decisions import LoanDecision
from scorecard.decisions.hypothetical import Hypotheticals
from scorecard.decisions.scoring import RegisteredScorecard, score_batch
from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime.lifecycle import Lifecycle
from tests.builders import APPLICATION_SCHEMA_ID, CONTRACT, PARSED, WRITERS, a_batch, a_champion, a_wire

DECISION = fastavro.parse_schema(dict(avro_schema(LoanDecision)))


@dataclass
class FakeTopic:
    """Acknowledges each application at the next offset; the worker decides it at once unless it is away."""

    pending: PendingDecisions
    champion: RegisteredScorecard = field(default_factory=a_champion)
    schema_id: int = APPLICATION_SCHEMA_ID
    values: list[bytes] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    fault: Exception | None = None
    worker_away: bool = False
    decide_first: bool = False
    """The decision is read before the broker's acknowledgement is reported."""

    def encode(self, record: Mapping[str, Any]) -> bytes:
        return frame(self.schema_id, PARSED, record)  # type: ignore[arg-type]

    def publish(self, key: bytes, value: bytes, headers: Any) -> "asyncio.Future[tuple[int, int]]":
        return asyncio.ensure_future(self._publish(value, headers))

    async def _publish(self, value: bytes, headers: Any) -> tuple[int, int]:
        if self.fault is not None:
            raise self.fault
        self.values.append(value)
        self.headers.append(headers)
        offset = len(self.values) - 1
        if not self.worker_away:
            if self.decide_first:
                self.decide(offset)
                await asyncio.sleep(0)
            else:
                asyncio.get_running_loop().call_soon(self.decide, offset)
        return 0, offset

    def decide(self, offset: int) -> None:
        batch = a_batch(self.values[offset], first_offset=offset)
        scored = score_batch(batch, WRITERS, self.champion, self.champion.scorecard.policy, a_wire())
        _, body = unframe(scored.decisions[0].value)
        self.pending.add_decisions([fastavro.schemaless_reader(io.BytesIO(body), DECISION, DECISION)])  # type: ignore[arg-type,list-item]


@dataclass
class FakeSlot:
    holder: RegisteredScorecard | None = field(default_factory=a_champion)
    alias: str = "champion"

    def facts(self) -> Mapping[str, Any]:
        return {"version": self.holder.version if self.holder else None}


@dataclass
class FakeReader:
    """Reads, or does not."""

    reading: bool = True


@dataclass
class FakeVersions:
    """A registry: versions by alias, or away."""

    by_alias: dict[str, RegisteredVersion] = field(default_factory=dict)
    fault: Exception | None = None

    def champion(self, alias: str) -> RegisteredVersion | None:
        if self.fault is not None:
            raise self.fault
        return self.by_alias.get(alias)


@dataclass
class FakeLag:
    """What waits for the workers."""

    known: bool = True
    waiting: float = 0.0
    oldest_s: float = 0.0

    def records(self) -> float:
        return self.waiting

    def seconds(self) -> float:
        return self.oldest_s


@dataclass
class GatewayDouble:
    gateway: Gateway
    topic: FakeTopic
    slot: FakeSlot
    reader: FakeReader
    live: Live
    versions: FakeVersions
    app: Any


@cache
def usual_application() -> type[BaseModel]:
    """The request model, once: it depends on the contract alone, and takes a seventh of a gateway's making."""
    return application_model(CONTRACT)


def a_gateway(
    guard: Callable[[], AccessGuard] | None = None,
    ledger: LedgerLookup | None = None,
    publish_event: Callable[..., None] = lambda *_: None,
    live: Live | None = None,
    sign_in: OidcSignIn | None = None,
    tracer: Any = None,
    **settings: Any,
) -> GatewayDouble:
    """A gateway in the event loop that runs, with these settings."""
    chosen = GatewaySettings(
        **{"gateway_timeout_s": 60.0, "gateway_search_s": 60.0, "cache_dir": Path("/nonexistent"), **settings}
    )
    pending = PendingDecisions(chosen.gateway_max_waiting, chosen.gateway_remembered)
    topic, slot, reader, registry = FakeTopic(pending), FakeSlot(), FakeReader(), CollectorRegistry()
    live, versions = live or Live(Activity(time.time), FakeLag()), FakeVersions()
    hypotheticals, exchange = (
        Hypotheticals(CONTRACT),
        Exchange(pending, with_spans(topic, tracer, "loan.applications.v1"), timeout_s=chosen.gateway_timeout_s),
    )
    if chosen.gateway_demo:
        exchange = MadeUpExchange(
            pending, topic, hypotheticals, lambda: slot.holder and (slot.holder, slot.holder.scorecard.policy)
        )
    gateway = Gateway(
        settings=chosen,
        contract=CONTRACT,
        application=usual_application(),
        lifecycle=Lifecycle(),
        exchange=exchange,
        reader=reader,
        champion=slot,
        guard=guard()
        if guard
        else AccessGuard(None, None, RateLimiter(0), VISITOR if chosen.gateway_demo else ANYBODY),
        metrics=GatewayMetrics(lambda: pending.waiting, registry),
        hypotheticals=hypotheticals,
        live=live,
        versions=versions,
        ledger=ledger,
        sign_in=sign_in,
        tracer=tracer,
        publish_event=publish_event,
    )
    return GatewayDouble(gateway, topic, slot, reader, live, versions, create_app(gateway, registry))
