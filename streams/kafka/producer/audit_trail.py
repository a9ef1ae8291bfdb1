"""Acts onto the audit log, each before it takes place.

A crash between event and act leaves an event of an act that did not take place, never an act without its event.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.events.audit import AuditAction, AuditEvent
from schemas.topics import Topic
from streams.runtime.settings import Connection

Publish = Callable[[Topic, str, object, str], None]
"""As `EventPublisher.publish`: topic, key, event and its id. Blocks until the broker has it."""


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """Records the acts of one actor."""

    connection: Connection
    publish: Publish
    actor: str

    def record(self, action: AuditAction, subject: str, why: str, before: str = "", after: str = "") -> None:
        """Publish an act that is about to take place, and wait until it is safe.

        Args:
            action: what is done.
            subject: to what.
            why: in words.
            before: what it is now; empty for nothing.
            after: what it becomes.

        Raises:
            OutageError: broker or registry is away; do not act.
            SetupError: topic or schema is not there; do not act.
        """
        event = AuditEvent(
            audit_id=str(uuid.uuid4()),
            product=self.connection.contract().product,
            actor=self.actor,
            action=action,
            subject=subject,
            why=why,
            before=before,
            after=after,
            acted_at=datetime.now(UTC),
        )
        self.publish(self.connection.topics().audit, subject, event, event.audit_id)
