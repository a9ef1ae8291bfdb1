"""Tells topics of an alias that a command moves: the audit log before it, the workers after it.

If broker or registry do not answer, workers poll the alias themselves, some seconds later. The audit log has no such
second way: the command says what is not recorded.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from schemas.errors import LoanError
from schemas.events.audit import AuditAction
from schemas.events.retraining import ChampionAnnouncement
from streams.kafka.producer.audit_trail import AuditTrail
from streams.kafka.producer.event_publisher import EventPublisher
from streams.runtime.settings import Connection

ASK_S: Final = 3.0


class Announcer:
    """Announces and records where it can, and remembers why it could not."""

    def __init__(self, connection: Connection, source: str) -> None:
        self._connection = connection
        self._source = source
        self.said: ChampionAnnouncement | None = None
        self.why_not = ""
        self.why_unrecorded = ""

    def announce(self, announcement: ChampionAnnouncement) -> None:
        """Announce once; a fault is kept in `why_not` and not raised."""
        self.why_not = self._attempt(lambda publisher: publish(publisher, self._connection, announcement))
        self.said = None if self.why_not else announcement

    def record(self, action: AuditAction, subject: str, why: str, before: str = "", after: str = "") -> None:
        """Record an act by the gate, not by a person; a fault is kept in `why_unrecorded` and not raised."""

        def act(publisher: EventPublisher) -> None:
            trail = AuditTrail(self._connection, publisher.publish, self._connection.actor())
            trail.record(action, subject, why, before, after)

        self.why_unrecorded = self._attempt(act)

    def _attempt(self, act: Callable[[EventPublisher], None]) -> str:
        """Why the act failed; empty where it did not."""
        if not self._reachable:
            return f"no broker answers at {self._connection.bootstrap_servers}"
        try:
            with EventPublisher(self._connection, self._source) as publisher:
                act(publisher)
        except LoanError as fault:
            return str(fault) or type(fault).__name__
        return ""

    @cached_property
    def _reachable(self) -> bool:
        return reachable(self._connection)


def publish(publisher: EventPublisher, connection: Connection, announcement: ChampionAnnouncement) -> None:
    """Publish an announcement; the same version promoted by the same act has the same event id.

    Raises:
        OutageError: broker or registry is away.
        SetupError: topic or schema is not there.
    """
    event_id = f"{announcement.name}/{announcement.version}/{announcement.announced_at.isoformat()}"
    publisher.publish(connection.topics().champions, announcement.product, announcement, event_id)


def reachable(connection: Connection) -> bool:
    """Whether a broker answers at once."""
    try:
        AdminClient(connection.kafka()).list_topics(timeout=ASK_S)
    except KafkaException:
        return False
    return True
