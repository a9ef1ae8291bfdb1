"""A process's check of its broker before each session: the broker answers, and its topics exist.

So a deleted topic ends the process. An unavailable broker costs one client for the whole outage: consumers and
producers, which may hang when they are closed, are created only for a broker that has answered.
"""

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from schemas.access import KafkaPrincipal, Operation, topic_operations
from schemas.errors import SetupError
from streams.kafka.kafka_errors import (
    CLIENT_FAULTS,
    NOT_ALLOWED,
    BrokerAwayError,
    NotAllowedError,
    NoTopicError,
    delivery_fault,
    error_of,
    raised_fault,
    refusal_of,
)
from streams.kafka.listener_check import protocol_mismatch
from streams.runtime.resources import require_room
from streams.runtime.settings import Connection

ASK_S: Final = 5.0
ASK_AGAIN_S: Final = 1.0
"""A broker that has just started may not know all topics yet."""


class ClientSettingsError(SetupError):
    """A file of the connection is missing or holds no certificate or key, or settings exclude each other."""


class BrokerAdmin(AdminClient):
    """The admin client, which also knows how the broker refuses us, in words; empty where it does not.

    A call only reports that no broker answers; only the client's error callback receives the reason.
    """

    def __init__(self, connection: Connection) -> None:
        self.refusal = ""
        super().__init__(connection.kafka({"error_cb": self._note}))

    def forget(self) -> None:
        """Consider errors from now on: an old refusal does not explain a current outage."""
        self.poll(0)
        self.refusal = ""

    def _note(self, error: KafkaError) -> None:
        self.refusal = self.refusal or refusal_of(error)


@lru_cache(maxsize=4)
def admin_of(connection: Connection) -> BrokerAdmin:
    """The admin client of this broker, created once: one for each attempt would be abandoned with it.

    Not for what a group's coordinator answers: see `new_admin`.

    Raises:
        ClientSettingsError: librdkafka takes no such settings.
    """
    return new_admin(connection)


def new_admin(connection: Connection) -> BrokerAdmin:
    """An admin client to ask a group's coordinator, until an answer does not come.

    A client that was connected to the coordinator before its broker restarted never receives an answer of it again, and
    a second question may abort the process (`eonce->refcnt > 0`), while topics and settings are answered as before
    (librdkafka 2.16, measured).

    Raises:
        ClientSettingsError: librdkafka takes no such settings.
    """
    try:
        return BrokerAdmin(connection)
    except KafkaException as cause:
        problem = f"no Kafka client can be made with these settings: {cause.args[0].str()}"
        raise ClientSettingsError(problem) from cause


def require_topics(connection: Connection, principal: KafkaPrincipal) -> None:
    """Return if the broker shows all topics of the principal, and lets this user do with them what it does.

    Raises:
        NoTopicError: names every topic that is missing, or hidden by missing rights.
        BrokerAwayError: no broker answers.
        NotAllowedError: the broker refuses this user, its password or certificate, or speaks another protocol; or names
            every right that is missing.
        ExhaustedError: this process can open no more; its successor can.
    """
    require_room()
    needed = topic_operations(principal, connection.topics())
    admin = admin_of(connection)
    admin.forget()
    try:
        missing = _missing_topics(admin, list(needed))
    except BrokerAwayError as away:
        admin.poll(0)
        if admin.refusal:
            problem = f"{connection.bootstrap_servers} {admin.refusal}"
            raise NotAllowedError(problem) from away
        if mismatch := protocol_mismatch(connection):
            raise NotAllowedError(mismatch) from away
        raise
    if missing:
        time.sleep(ASK_AGAIN_S)
        missing = _missing_topics(admin, list(needed))
        if missing:
            problem = (
                f"no topic {', '.join(missing)} on {connection.bootstrap_servers}: run `loanctl topics apply` "
                "(a topic that we may not describe looks the same)"
            )
            raise NoTopicError(problem)
    require_rights(connection, needed)


def require_rights(connection: Connection, needed: Mapping[str, frozenset[Operation]]) -> None:
    """Return if the broker lets this user do this with each topic, or does not say.

    A topic that we may describe and not read looks empty, and a write is refused only when all before it is done.

    Raises:
        NotAllowedError: names every right that is missing.
    """
    if not needed:
        return
    lacking = _lacking_rights(admin_of(connection), needed)
    if lacking:
        problem = f"{connection.bootstrap_servers} does not let us {', '.join(lacking)}: see `loanctl topics acls`"
        raise NotAllowedError(problem)


def _lacking_rights(admin: AdminClient, needed: Mapping[str, frozenset[Operation]]) -> list[str]:
    """Rights that the broker says we do not have; none where it does not say."""
    described = admin.describe_topics(
        TopicCollection(list(needed)), include_authorized_operations=True, request_timeout=ASK_S
    )
    lacking: list[str] = []
    for name, future in described.items():
        try:
            allowed = {operation.name.lower() for operation in future.result(ASK_S + 1).authorized_operations or ()}
        except TimeoutError:
            continue
        except KafkaException as cause:
            if cause.args[0].code() not in NOT_ALLOWED:
                continue
            allowed = {"nothing"}
        if allowed:
            lacking += [f"{each.value} {name}" for each in sorted(needed[name]) if each.value not in allowed]
    return lacking


def require_group(connection: Connection, group: str) -> None:
    """Return if the broker lets this user join the group, or does not say.

    Raises:
        NotAllowedError: it refuses; a member would only wait.
    """
    [future] = new_admin(connection).describe_consumer_groups([group], request_timeout=ASK_S).values()
    try:
        future.result(ASK_S + 1)
    except TimeoutError:
        return
    except KafkaException as cause:
        if cause.args[0].code() in NOT_ALLOWED:
            raise raised_fault(cause, group) from cause


def partitions_of(connection: Connection, topic: str) -> Sequence[int]:
    """The partitions of a topic, in order.

    It asks by a client of its own, so it may be called inside a consumer's callback: asking by that consumer there
    ends the process (`Assignment` says how).

    Raises:
        ReadingError: the broker does not answer.
        SetupError: a person must act.
    """
    try:
        return sorted(admin_of(connection).list_topics(topic, ASK_S).topics[topic].partitions)
    except CLIENT_FAULTS as cause:
        raise raised_fault(cause, topic) from cause


def _missing_topics(admin: AdminClient, names: Sequence[str]) -> list[str]:
    try:
        known = admin.list_topics(timeout=ASK_S).topics
    except CLIENT_FAULTS as cause:
        error = error_of(cause)
        fault = delivery_fault(error, ", ".join(names)) if error else BrokerAwayError(type(cause).__name__)
        raise (fault if isinstance(fault, SetupError) else BrokerAwayError(str(fault))) from cause
    return [name for name in names if name not in known or not known[name].partitions]
