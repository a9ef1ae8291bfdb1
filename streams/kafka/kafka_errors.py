"""Kafka's errors by who must act: no one (the client recovers by itself), an outage, a set-up fault.

The only classifier for all clients of this project: consumers call `reading_fault`, producers `delivery_fault`. For
reading there is a closed list of errors that pass. Any other error ends the consumer, since an error that a client
ignores is lost. A fenced static member reports `_FATAL` while `KafkaError.fatal()` is False.
"""

from collections.abc import Sequence
from typing import Any, Final, Self

from confluent_kafka import KafkaError, KafkaException

from schemas.errors import OutageError, SetupError

CLIENT_FAULTS: Final = (KafkaException, RuntimeError, SystemError)
"""Exceptions of a client: its own error, a call on a closed client, and those that its C code converts to neither."""

PASSING: Final = frozenset(
    {
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError._SSL,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._WAIT_COORD,
        # A pause that was too long costs the partitions: the callback for lost ones reports that.
        KafkaError._MAX_POLL_EXCEEDED,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.KAFKA_STORAGE_ERROR,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        # A topic that is not there is looked for by the session's next `require_topics`.
    }
)
"""The client retries by itself and loses nothing; `on_lost` reports a session that ends because of it."""
NOT_ALLOWED: Final = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError._AUTHENTICATION,
    }
)
REFUSALS: Final = {
    "Unsupported SASL mechanism": "does not offer our SASL mechanism (LOAN_KAFKA_SASL_MECHANISM)",
    "SASL Handshake not supported": "asks for no SASL (LOAN_KAFKA_SECURITY_PROTOCOL)",
    "certificate verify failed": (
        "has a certificate that we cannot verify: of an authority that LOAN_KAFKA_SSL_CA_LOCATION does not name, "
        "past its date, or for another host"
    ),
    "alert certificate": "refuses our client certificate: none is set, its date is past, or its authority is unknown",
    "alert bad certificate": "refuses our client certificate",
    "alert unknown ca": "refuses our client certificate: its authority is unknown",
    "alert protocol version": "speaks another version of TLS",
    "alert handshake failure": "refuses our TLS handshake",
    "unsupported protocol": "speaks another version of TLS",
}
"""What a refusal of the listener means, by words of librdkafka's and OpenSSL's messages.

Their codes do not tell it from an outage: an alert after our side of the handshake is `_TRANSPORT`. A connection that
only ends (`unexpected eof`, `internal error`) is none of these.
"""
FENCED: Final = frozenset(
    {
        # All that is fatal to a consumer.
        KafkaError._FATAL,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError._FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
    }
)
"""Another client used this name, or the transaction took too long."""
NO_TOPIC: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNKNOWN_TOPIC_ID,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
    }
)


class ReadingError(OutageError):
    """This consumer cannot continue to read; a new one may."""


class FencedError(ReadingError):
    """Another client has this name in the group, or had it; it may be another process."""


class UnstableOffsetsError(ReadingError):
    """The group's committed offsets stay unstable for longer than any transaction is open."""

    def __init__(self, problem: str, group: str, topics: Sequence[str]) -> None:
        """Args: what the broker says, and of which group and topics."""
        super().__init__(problem)
        self.group, self.topics = group, topics


class NotAllowedError(SetupError):
    """The broker does not allow this user to read or write."""


class BrokerAwayError(OutageError):
    """The broker did not acknowledge."""


class LostSessionError(OutageError):
    """The group continued without this member, or the broker was away as long; its producer may be unusable."""


class NoTopicError(SetupError):
    """A topic that this process needs does not exist."""

    @classmethod
    def of(cls, what: str) -> Self:
        """In the words that every reader uses.

        Args:
            what: the topics, comma between.
        """
        return cls(f"no topic {what}: run `loanctl topics apply`")


class RefusedRecordError(SetupError):
    """The broker does not accept this record: too large, or not allowed."""


def reading_fault(error: KafkaError, what: str) -> OutageError | SetupError | None:
    """The meaning of an error during reading; None if the client recovers by itself.

    Args:
        error: the client's, of a message or of a call.
        what: topics or group that the error is about, for the operator.
    """
    code = error.code()
    if code in PASSING and not error.fatal():
        return None
    if code in NOT_ALLOWED:
        return NotAllowedError(f"{error.name()}: the broker does not let us read {what}; grant READ on topic and group")
    if code in NO_TOPIC:
        return NoTopicError.of(what)
    return (FencedError if code in FENCED else ReadingError)(error.name())


def refusal_of(error: KafkaError) -> str:
    """How the listener refuses us, as words that follow its name; empty for an outage.

    Args:
        error: of a client's error callback, which alone has the reason.
    """
    said = error.str()
    for words, meaning in REFUSALS.items():
        if words in said:
            return meaning
    return "refuses our user name, password or certificate" if error.code() in NOT_ALLOWED else ""


def delivery_fault(error: KafkaError, what: str) -> OutageError | SetupError:
    """The meaning of a producer's error.

    Args:
        error: the client's, of a call or of a record.
        what: topics and transactional id that the error may be about, for the operator.
    """
    code = error.code()
    if code in NO_TOPIC:
        return NoTopicError.of(what)
    if code in NOT_ALLOWED:
        return NotAllowedError(f"{error.name()}: the broker does not let us write as {what}; grant WRITE on each")
    if code == KafkaError.MSG_SIZE_TOO_LARGE:
        return RefusedRecordError(error.name())
    return BrokerAwayError(error.name())


def error_of(cause: BaseException) -> KafkaError | None:
    """The client's error in an exception; None where it is of another kind, as of a closed client."""
    first: Any = cause.args[0] if cause.args else None
    return first if isinstance(first, KafkaError) else None


def raised_fault(cause: BaseException, what: str) -> OutageError | SetupError:
    """The meaning of an exception from a consumer's call; even one that would pass by itself ends the call."""
    error = error_of(cause)
    if error is None:
        return ReadingError(type(cause).__name__)
    return reading_fault(error, what) or ReadingError(error.name())


def assigned_fault(cause: BaseException, what: str) -> OutageError | SetupError:
    """The meaning of an exception from a call about partitions that the group assigned.

    Their topic was there when they were assigned, and a broker that starts may not know it yet. So a missing topic ends
    the session as an outage, and the next one's `require_topics` finds out whether it is gone.
    """
    fault = raised_fault(cause, what)
    return ReadingError(str(fault)) if isinstance(fault, NoTopicError) else fault
