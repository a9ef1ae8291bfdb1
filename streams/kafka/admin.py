"""What a process asks of its broker before each session: whether it answers, and shows our topics.

So a deleted topic ends the process, and a broker that is away costs one client however long it is: consumers and
producers, which may hang in their farewell, are made for one that has answered.
"""

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from confluent_kafka.admin import AdminClient

from schemas.errors import SetupError
from schemas.topics import Topic
from streams.kafka.errors import CLIENT_FAULTS, BrokerAwayError, NoTopicError, delivery_fault, error_of
from streams.runtime.resources import require_room
from streams.runtime.settings import Connection

ASK_S: Final = 5.0
ASK_AGAIN_S: Final = 1.0
"""A broker that has just started may not know all topics yet."""


@lru_cache(maxsize=4)
def admin_of(connection: Connection) -> AdminClient:
    """The client for questions to this broker, made once: one for each attempt would be left behind with it."""
    return AdminClient(connection.kafka())


def require_topics(connection: Connection, topics: Sequence[Topic]) -> None:
    """Return if the broker shows us all of these topics.

    Raises:
        NoTopicError: names every topic that is missing, or hidden from us.
        BrokerAwayError: no broker answers.
        NotAllowedError: the broker refuses us.
        ExhaustedError: this process can open no more; its successor can.
    """
    require_room()
    admin = admin_of(connection)
    if _missing(admin, topics):
        time.sleep(ASK_AGAIN_S)
        missing = _missing(admin, topics)
        if missing:
            problem = (
                f"no topic {', '.join(missing)} on {connection.bootstrap_servers}: run `loanctl topics apply` "
                "(a topic that we may not describe looks the same)"
            )
            raise NoTopicError(problem)


def _missing(admin: AdminClient, topics: Sequence[Topic]) -> list[str]:
    try:
        known = admin.list_topics(timeout=ASK_S).topics
    except CLIENT_FAULTS as cause:
        error = error_of(cause)
        fault = delivery_fault(error) if error else BrokerAwayError(type(cause).__name__)
        raise (fault if isinstance(fault, SetupError) else BrokerAwayError(str(fault))) from cause
    return [topic.name for topic in topics if topic.name not in known or not known[topic.name].partitions]
