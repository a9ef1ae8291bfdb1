"""The parts of one gateway, as endpoints see them."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from pydantic import BaseModel

from gateway.access.access_guard import AccessGuard
from gateway.access.oidc_sign_in import OidcSignIn
from gateway.exchange.exchange import Exchange
from gateway.exchange.ledger_lookup import LedgerLookup
from gateway.live.live_figures import Live
from gateway.metrics import GatewayMetrics
from gateway.settings import GatewaySettings
from schemas.contract.contract import Contract
from schemas.events.audit import AuditAction
from schemas.events.decisions import Outcome
from schemas.events.reviews import LoanReview
from schemas.topics import Topic
from scorecard.counterfactuals import CounterfactualSearch
from scorecard.decisions.hypothetical import Hypotheticals
from scorecard.decisions.scoring import RegisteredScorecard
from scorecard.policy import Policy
from scorecard.registry.registered_version import RegisteredVersion
from streams.kafka.kafka_errors import BrokerAwayError
from streams.kafka.producer.audit_trail import AuditTrail
from streams.runtime.lifecycle import Lifecycle

if TYPE_CHECKING:
    from streams.traces.tracer import Tracer

NO_CHAMPION: Final = "there is no champion yet"


class ChampionSlot(Protocol):
    """The part of `streams.worker.model_slots.ModelSlot` that is needed here."""

    alias: str
    holder: RegisteredScorecard | None

    def facts(self) -> Mapping[str, Any]:
        """Version, digest, refusal."""


class Versions(Protocol):
    """The part of `scorecard.registry.model_registry.ModelRegistry` that is needed here; its calls block."""

    def champion(self, alias: str) -> RegisteredVersion | None:
        """The version that an alias points to. Raises OutageError."""


class DecisionFeed(Protocol):
    """The part of `DecisionReader` that is needed here."""

    @property
    def reading(self) -> bool:
        """True while no decision can be missed."""


def publish_nowhere(_topic: Topic, _key: str, _event: object, _event_id: str) -> None:
    """Of a gateway without a publisher of events, such as a demo."""
    raise BrokerAwayError


@dataclass(frozen=True)
class Gateway:
    """The parts that endpoints may use."""

    settings: GatewaySettings
    contract: Contract
    application: type[BaseModel]
    """The request model of one application."""
    lifecycle: Lifecycle
    exchange: Exchange
    reader: DecisionFeed
    champion: ChampionSlot
    guard: AccessGuard
    metrics: GatewayMetrics
    hypotheticals: Hypotheticals
    live: Live
    versions: Versions
    ledger: LedgerLookup | None = None
    sign_in: OidcSignIn | None = None
    """At the OpenID provider; None where the desk has none."""
    tracer: "Tracer | None" = None
    """Makes a span of each request; None where traces are off."""
    publish_event: Callable[[Topic, str, object, str], None] = publish_nowhere
    """Blocks until the broker has it. Raises OutageError, SetupError."""

    def missing_parts(self) -> list[str]:
        """The missing dependencies: `champion`, `broker`, `reader`."""
        found = {
            "champion": self.champion.holder is not None,
            "broker": "broker" not in self.lifecycle.away,
            "reader": self.reader.reading,
        }
        return [name for name, there in found.items() if not there]

    def schema_id(self) -> int:
        """The id of the application schema in the registry; 0 before it is known."""
        return self.exchange.schema_id

    def policy(self, champion: RegisteredScorecard) -> Policy:
        """The cut-offs: the operator's, or the scorecard's own."""
        return self.settings.policy() or champion.scorecard.policy

    async def publish_review(self, review: LoanReview, actor: str, before: Outcome) -> None:
        """Publish an officer's word, its audit event before it, and wait until both are safe.

        Args:
            before: the outcome of the decision that it is about.

        Raises:
            OutageError: broker or registry is away.
            SetupError: topic or schema is not there.
        """
        await asyncio.to_thread(self._publish_review, review, actor, before)

    def _publish_review(self, review: LoanReview, actor: str, before: Outcome) -> None:
        # Codes and not the note, which may tell of the applicant: the audit log is kept for ten years.
        trail, why = AuditTrail(self.settings, self.publish_event, actor), ", ".join(review.reason_codes)
        trail.record(AuditAction.REVIEW, review.application_id, why, before=before, after=review.outcome)
        topic = self.settings.topics().reviews
        self.publish_event(topic, review.application_id, review, review.review_id)

    def search_of(self, champion: RegisteredScorecard) -> CounterfactualSearch:
        return CounterfactualSearch(champion.scorecard, self.policy(champion), self.contract)
