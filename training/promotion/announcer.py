"""Announces a champion that a command promoted: through the topics, if broker and registry answer.

If they do not, nothing is lost: workers poll the alias themselves, some seconds later.
"""

from typing import Final

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from schemas.errors import LoanError
from schemas.events.retraining import ChampionAnnouncement
from streams.kafka.producer.event_publisher import EventPublisher
from streams.runtime.settings import Connection

ASK_S: Final = 3.0

log = structlog.get_logger(__name__)


class Announcer:
    """Announces where it can, and remembers why it could not."""

    def __init__(self, connection: Connection, source: str) -> None:
        self._connection = connection
        self._source = source
        self.said: ChampionAnnouncement | None = None
        self.why_not = ""

    def __call__(self, announcement: ChampionAnnouncement) -> None:
        """Announce once; a fault is kept in `why_not` and not raised."""
        if not reachable(self._connection):
            self.why_not = f"no broker answers at {self._connection.bootstrap_servers}"
            return
        try:
            with EventPublisher(self._connection, self._source) as publisher:
                publish(publisher, self._connection, announcement)
        except LoanError as fault:
            self.why_not = str(fault) or type(fault).__name__
        else:
            self.said = announcement


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
