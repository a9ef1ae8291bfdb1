"""Who was fenced asks once more whether another process has the name; who met another fault does not."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import KafkaError

from schemas.errors import OutageError, SetupError
from streams.kafka.group.duplicate_instance import DuplicateInstanceCheck
from streams.kafka.kafka_errors import FencedError, ReadingError, reading_fault
from streams.kafka.producer.transactions import DeliveryError, Failure, failed_delivery
from streams.runtime.instance_id import claim
from streams.runtime.settings import Connection


@pytest.mark.parametrize("code", [KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID])
def test_a_fenced_consumer_is_told_from_a_broken_one(code: int) -> None:
    assert isinstance(reading_fault(KafkaError(code), "t"), FencedError)
    assert not isinstance(reading_fault(KafkaError(KafkaError.UNKNOWN), "t"), FencedError)


@pytest.mark.parametrize("code", [KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH])
def test_a_fenced_producer_is_told_from_a_broken_one(code: int) -> None:
    fault = failed_delivery([Failure(KafkaError(KafkaError._TIMED_OUT), "out"), Failure(KafkaError(code), "id")])

    assert isinstance(fault, FencedError)
    assert isinstance(fault, DeliveryError)
    assert not isinstance(failed_delivery([Failure(KafkaError(KafkaError._TIMED_OUT), "out")]), FencedError)


@pytest.fixture
def check_and_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[DuplicateInstanceCheck, list[None]]:
    """DuplicateInstanceCheck of a group without members, and a mark for each time that the broker was asked."""
    marks: list[None] = []
    monkeypatch.setattr(DuplicateInstanceCheck, "_members", lambda *_: marks.append(None) or [])
    return DuplicateInstanceCheck(Connection(), "g", claim(tmp_path, "g", "one")), marks


@pytest.mark.parametrize(
    ("fault", "times"), [(FencedError, 2), (ReadingError, 1), (DeliveryError, 1), (OutageError, 1)]
)
def test_only_a_fence_makes_a_process_ask_for_its_name_again(
    check_and_marks: tuple[DuplicateInstanceCheck, list[None]], fault: Callable[[], OutageError], times: int
) -> None:
    duplicates, marks = check_and_marks
    duplicates.require_none(threading.Event())

    duplicates.doubt(fault())
    duplicates.require_none(threading.Event())

    assert len(marks) == times


def test_only_what_has_the_error_is_named() -> None:
    dropped = Failure(KafkaError(KafkaError._PURGE_QUEUE), "decisions")
    refused = Failure(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), "shadow")

    fault = failed_delivery([refused, dropped, Failure(KafkaError(KafkaError._FAIL), "transactional id w")])

    assert isinstance(fault, SetupError)
    assert "write as shadow;" in str(fault)
