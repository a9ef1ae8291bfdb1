"""Kafka's errors by who must act: an outage, a set-up fault."""

from confluent_kafka import KafkaError

from schemas.errors import OutageError, SetupError


class ReadingError(OutageError):
    """Reading cannot go on with this consumer; a new one may."""


class NotAllowedError(SetupError):
    """The broker does not let us read."""


class BrokerAwayError(OutageError):
    """The broker did not acknowledge."""


class NoTopicError(SetupError):
    """A topic that this process needs does not exist."""


class RefusedRecordError(SetupError):
    """The broker will not take this record from us: too large, or not allowed."""


def fault_of(error: KafkaError) -> OutageError | SetupError:
    """Who must act on a failed delivery."""
    code = error.code()
    if code in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
        return NoTopicError("a topic does not exist: run `loanctl topics apply`")
    if code in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.TOPIC_AUTHORIZATION_FAILED):
        return RefusedRecordError(error.name())
    return BrokerAwayError(error.name())
