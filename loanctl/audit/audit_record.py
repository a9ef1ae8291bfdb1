"""Acts of persons by `loanctl`, each on the audit log before it takes place."""

from collections.abc import Sequence
from typing import Final

from schemas.access import Operation
from schemas.errors import LoanError, OutageError
from schemas.events.audit import AuditAction
from schemas.topics import Topic
from streams.kafka.admin import require_rights
from streams.kafka.producer.audit_trail import AuditTrail
from streams.kafka.producer.event_publisher import EventPublisher
from streams.runtime.settings import Connection
from training.promotion.announcer import reachable

SOURCE: Final = "/loanctl/audit"


class UnwritableAuditError(OutageError):
    """The audit log does not take an act, which therefore does not take place."""

    def __init__(self, topic: str, why: str) -> None:
        super().__init__(f"nothing was done: the audit log {topic} cannot be written ({why})")


class PersonTrail:
    """Records the acts of the person who runs the command."""

    def __init__(self, connection: Connection, written: Sequence[Topic] = ()) -> None:
        """Connects nothing before the first act.

        Args:
            written: topics that the acts themselves are published on.
        """
        self._connection = connection
        self._written = written

    def record(self, action: AuditAction, subject: str, why: str, before: str = "", after: str = "") -> None:
        """As `AuditTrail.record`.

        Raises:
            UnwritableAuditError: do not act.
            NotAllowedError: this user may not publish the act; nothing is recorded.
        """
        connection, topic = self._connection, self._connection.topics().audit.name
        actor = connection.actor()
        if not reachable(connection):
            raise UnwritableAuditError(topic, f"no broker answers at {connection.bootstrap_servers}")
        require_rights(connection, {topic.name: frozenset({Operation.WRITE}) for topic in self._written})
        try:
            with EventPublisher(connection, SOURCE) as publisher:
                AuditTrail(connection, publisher.publish, actor).record(action, subject, why, before, after)
        except LoanError as fault:
            raise UnwritableAuditError(topic, str(fault) or type(fault).__name__) from fault
