"""One judge of Kafka's errors, for every client."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.kafka.kafka_errors import (
    BrokerAwayError,
    FencedError,
    NotAllowedError,
    NoTopicError,
    ReadingError,
    RefusedRecordError,
    delivery_fault,
    raised_fault,
    reading_fault,
    refusal_of,
)
from streams.kafka.topics.messages import poll_records
from tests.doubles.kafka import Message


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        # A fenced static member: `fatal()` is False.
        (KafkaError._FATAL, FencedError),
        (KafkaError._FENCED, FencedError),
        (KafkaError.FENCED_INSTANCE_ID, FencedError),
        (KafkaError.UNKNOWN_MEMBER_ID, ReadingError),
        (KafkaError.ILLEGAL_GENERATION, ReadingError),
        (KafkaError._AUTO_OFFSET_RESET, ReadingError),
        (KafkaError.OFFSET_OUT_OF_RANGE, ReadingError),
        # Bytes that a client could not read, and would pass over.
        (KafkaError._BAD_MSG, ReadingError),
        (KafkaError._BAD_COMPRESSION, ReadingError),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, NotAllowedError),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, NotAllowedError),
        (KafkaError._AUTHENTICATION, NotAllowedError),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, NoTopicError),
        (KafkaError._UNKNOWN_TOPIC, NoTopicError),
        (KafkaError._ALL_BROKERS_DOWN, type(None)),
        (KafkaError._TRANSPORT, type(None)),
        (KafkaError.NOT_LEADER_FOR_PARTITION, type(None)),
        (KafkaError._MAX_POLL_EXCEEDED, type(None)),
    ],
)
def test_what_an_error_means_while_reading(code, expected):
    assert type(reading_fault(KafkaError(code), "in")) is expected


def test_a_fatal_error_passes_under_no_code():
    assert isinstance(reading_fault(KafkaError(KafkaError._TRANSPORT, "", True), "in"), ReadingError)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (KafkaError.UNKNOWN_TOPIC_OR_PART, NoTopicError),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, NotAllowedError),
        (KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, NotAllowedError),
        (KafkaError.MSG_SIZE_TOO_LARGE, RefusedRecordError),
        (KafkaError._MSG_TIMED_OUT, BrokerAwayError),
    ],
)
def test_what_an_error_of_a_producer_means(code, expected):
    assert type(delivery_fault(KafkaError(code), "out")) is expected


@pytest.mark.parametrize(
    "code", [KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED]
)
def test_what_may_not_be_written_is_named(code):
    assert "out, transactional id one" in str(delivery_fault(KafkaError(code), "out, transactional id one"))


@pytest.mark.parametrize("raised", [RuntimeError("closed"), SystemError("not an exception"), KafkaException("text")])
def test_an_exception_that_holds_no_error_of_kafka_s_ends_the_consumer(raised):
    assert isinstance(raised_fault(raised, "in"), ReadingError)


class Consumer:
    """Gives out one error, and knows some topics."""

    def __init__(self, code, known):
        self.code, self.known = code, known

    def consume(self, _most, _timeout_s):
        return [Message(("in", 0, 0), None, None, fault=KafkaError(self.code))]

    def list_topics(self, topic, _timeout_s):
        partitions = {0: None} if topic in self.known else {}
        return type("Metadata", (), {"topics": {topic: type("Topic", (), {"partitions": partitions})}})


def test_a_deleted_topic_ends_its_reader_and_one_that_the_client_hears_of_late_does_not():
    with pytest.raises(NoTopicError, match=r"no topic in \(group g\): run `loanctl topics apply`"):
        poll_records(Consumer(KafkaError.UNKNOWN_TOPIC_OR_PART, set()), 10, 0, ["in"], "g")

    assert poll_records(Consumer(KafkaError.UNKNOWN_TOPIC_OR_PART, {"in"}), 10, 0, ["in"], "g") == []


def test_a_fenced_member_ends_its_reader_and_an_end_of_a_partition_is_given_out():
    with pytest.raises(ReadingError, match="_FATAL"):
        poll_records(Consumer(KafkaError._FATAL, {"in"}), 10, 0, ["in"], "g")

    assert len(poll_records(Consumer(KafkaError._PARTITION_EOF, {"in"}), 10, 0, ["in"], "g")) == 1


@pytest.mark.parametrize(
    ("code", "said", "meaning"),
    [
        (KafkaError._AUTHENTICATION, "Invalid username or password", "refuses our user name"),
        (KafkaError._AUTHENTICATION, "handshake failed: Broker: Unsupported SASL mechanism", "does not offer"),
        (KafkaError._SSL, "SSL routines::certificate verify failed: broker certificate", "we cannot verify"),
        (KafkaError._TRANSPORT, "SSL routines::tlsv13 alert certificate required: SSL alert number 116", "none is set"),
        (KafkaError._TRANSPORT, "SSL routines::tlsv1 alert unknown ca", "authority is unknown"),
        (KafkaError._SSL, "SSL routines::unexpected eof while reading", ""),
        (KafkaError._SSL, "SSL routines::tlsv1 alert internal error", ""),
        (KafkaError._TRANSPORT, "Connect to ipv4#127.0.0.1:9 failed: Connection refused", ""),
    ],
)
def test_a_refusal_is_told_from_an_outage_by_its_words(code: int, said: str, meaning: str) -> None:
    found = refusal_of(KafkaError(code, said))

    assert meaning in found
    assert bool(found) == bool(meaning)
