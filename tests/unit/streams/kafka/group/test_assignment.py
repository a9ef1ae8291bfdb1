"""What a consumer asks of the broker when it is given partitions, with a broker of few words."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from confluent_kafka import KafkaError, TopicPartition

from streams.kafka.group import assignment
from streams.kafka.group.assignment import Assignment
from streams.kafka.group.consumer_config import ConsumerConfig, ConsumerHooks, properties
from streams.kafka.group.start_offsets import LostOffsetsError, OffsetLoss, Start
from streams.kafka.kafka_errors import NO_TOPIC, NotAllowedError, ReadingError, UnstableOffsetsError
from streams.runtime.settings import Connection
from tests.doubles.kafka import failure

GIVEN = [TopicPartition("in", 0)]
NONE = -1001


class Unstable:
    """A partition whose offset is held back; `TopicPartition.error` cannot be set from Python."""

    topic, partition, offset, metadata = "in", 0, NONE, None

    def __init__(self, code: int = KafkaError.UNSTABLE_OFFSET_COMMIT) -> None:
        self.error = KafkaError(code)


def at(offset: int) -> TopicPartition:
    return TopicPartition("in", 0, offset)


def one_partition(_topic: str) -> list[int]:
    return [0]


@dataclass
class ScriptedConsumer:
    """Answers `committed` from a list, the last one again and again."""

    answers: list[Any]
    ends: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    asked: int = 0
    marked: list[int] = field(default_factory=list)

    def committed(self, _places: Any, _timeout_s: float) -> list[Any]:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return [answer]

    def get_watermark_offsets(self, place: TopicPartition, _timeout_s: float) -> tuple[int, int]:
        ends = self.ends[place.topic]
        return ends.pop(0) if len(ends) > 1 else ends[0]

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        self.marked += [each.offset for each in offsets]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignment, "ASK_AGAIN_S", 0.001)
    monkeypatch.setattr(assignment, "CONFIRM_S", 0.01)


def starts_of(
    consumer: ScriptedConsumer, lost: Callable[[Start], object] = lambda _: None, **reading: Any
) -> list[Start]:
    config = ConsumerConfig(topics=["in"], group="g", **reading)
    return Assignment(consumer, config, ConsumerHooks(offsets_lost=lost), one_partition).starts(GIVEN)


def test_no_client_begins_at_a_default() -> None:
    assert properties(Connection(), ConsumerConfig(topics=["in"], group="g"))["auto.offset.reset"] == "error"


def test_an_offset_held_back_by_a_dead_worker_is_asked_for_until_it_is_stable() -> None:
    consumer = ScriptedConsumer([Unstable(), Unstable(), at(7)], {"in": [(0, 9)]})

    [start] = starts_of(consumer)

    assert (start.offset, start.loss, consumer.asked, consumer.marked) == (7, None, 3, [])


def test_an_offset_that_never_becomes_stable_is_an_outage_and_no_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignment, "STABLE_S", 0.01)

    with pytest.raises(UnstableOffsetsError, match="UNSTABLE_OFFSET_COMMIT") as fault:
        starts_of(ScriptedConsumer([Unstable()], {"in": [(0, 9)]}))

    assert (fault.value.group, fault.value.topics) == ("g", ["in"])


def test_an_offset_held_back_for_longer_than_any_transaction_of_ours_is_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(assignment, "OPEN_S", 0.0)
    consumer = ScriptedConsumer([Unstable(), Unstable(), Unstable(), at(7)], {"in": [(0, 9)]})

    with structlog.testing.capture_logs() as lines:
        starts_of(consumer)

    [stuck] = [line for line in lines if line["event"] == "offsets.stuck"]
    assert (stuck["log_level"], stuck["group"]) == ("warning", "g")
    assert "find-hanging" in stuck["why"]


def test_a_stop_ends_the_wait() -> None:
    hooks = ConsumerHooks(stopping=threading.Event())
    hooks.stopping.set()
    consumer = ScriptedConsumer([Unstable()], {"in": [(0, 9)]})

    with pytest.raises(ReadingError, match="stopped"):
        Assignment(consumer, ConsumerConfig(topics=["in"], group="g"), hooks, one_partition).starts(GIVEN)


def test_the_client_s_own_time_out_says_that_an_offset_is_not_stable_yet() -> None:
    consumer = ScriptedConsumer([failure(KafkaError._TIMED_OUT), at(7)], {"in": [(0, 9)]})

    [start] = starts_of(consumer)

    assert (start.offset, start.loss) == (7, None)


def test_a_broker_that_does_not_answer_is_an_outage_and_one_that_forbids_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(assignment, "STABLE_S", 0.01)

    with pytest.raises(ReadingError, match="_TIMED_OUT"):
        starts_of(ScriptedConsumer([failure(KafkaError._TIMED_OUT)]))
    with pytest.raises(NotAllowedError, match="GROUP_AUTHORIZATION_FAILED"):
        starts_of(ScriptedConsumer([failure(KafkaError.GROUP_AUTHORIZATION_FAILED)]))
    with pytest.raises(NotAllowedError):
        starts_of(ScriptedConsumer([Unstable(KafkaError.TOPIC_AUTHORIZATION_FAILED)]))


class ConsumerOfStartingBroker(ScriptedConsumer):
    """A broker that starts, and does not know yet the topic of an assigned partition."""

    code = 0
    unknown_to = ""

    def get_watermark_offsets(self, place: TopicPartition, timeout_s: float) -> tuple[int, int]:
        if self.unknown_to == "get_watermark_offsets":
            raise failure(self.code)
        return super().get_watermark_offsets(place, timeout_s)

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        raise failure(self.code)


@pytest.mark.parametrize("code", sorted(NO_TOPIC))
@pytest.mark.parametrize("call", ["committed", "an offset of committed", "get_watermark_offsets", "commit"])
def test_a_broker_that_does_not_know_an_assigned_topic_ends_the_session_and_not_the_process(
    call: str, code: int
) -> None:
    answers = {"committed": failure(code), "an offset of committed": Unstable(code), "commit": at(NONE)}
    consumer = ConsumerOfStartingBroker([answers.get(call, at(7))], {"in": [(0, 9)], "out": [(0, 0)]})
    consumer.code, consumer.unknown_to = code, call

    with pytest.raises(ReadingError, match="no topic in"):
        starts_of(consumer)


def test_a_group_that_never_committed_begins_at_the_beginning_and_says_so_to_the_broker() -> None:
    consumer = ScriptedConsumer([at(NONE)], {"in": [(3, 9)], "out": [(0, 0)]})

    [start] = starts_of(consumer, output_topics=["out"])

    assert (start.offset, start.loss, consumer.marked) == (3, None, [3])


def test_a_group_without_offsets_whose_output_is_there_has_lost_them() -> None:
    lost: list[Start] = []
    consumer = ScriptedConsumer([at(NONE)], {"in": [(3, 9)], "out": [(0, 5)]})

    [start] = starts_of(consumer, lost.append, output_topics=["out"])

    assert (start.offset, start.loss, lost) == (3, OffsetLoss.EXPIRY, [start])


def test_an_offset_that_is_held_back_elsewhere_is_an_offset_of_the_group() -> None:
    # Our partition has none yet, another one's is not stable: the group works, and ours is a new partition.
    consumer = ScriptedConsumer([at(NONE), Unstable()], {"in": [(0, 9)], "out": [(0, 5)]})

    [start] = starts_of(consumer, output_topics=["out"])

    assert start.loss is None


def test_retention_that_overtook_the_group_is_reported_with_what_was_never_read() -> None:
    lost: list[Start] = []

    [start] = starts_of(ScriptedConsumer([at(10)], {"in": [(50, 60)]}), lost.append)

    assert (start.offset, start.loss, start.records, lost) == (50, OffsetLoss.RETENTION, 40, [start])


def test_an_end_that_a_new_leader_shows_too_early_is_no_truncation(monkeypatch: pytest.MonkeyPatch) -> None:
    # It ends at the third answer: a machine that pauses between two must not end it before.
    monkeypatch.setattr(assignment, "CONFIRM_S", 60.0)
    lost: list[Start] = []
    consumer = ScriptedConsumer([at(60)], {"in": [(0, 40), (0, 40), (0, 60)]})

    [start] = starts_of(consumer, lost.append)

    assert (start.offset, lost) == (60, [])


def test_a_log_that_stays_short_is_read_again_from_its_beginning() -> None:
    [start] = starts_of(ScriptedConsumer([at(60)], {"in": [(0, 40)]}))

    assert (start.offset, start.loss) == (0, OffsetLoss.TRUNCATION)


def test_a_process_that_is_to_stop_for_a_person_says_where_and_what_to_do_and_commits_nothing() -> None:
    consumer = ScriptedConsumer([at(NONE)], {"in": [(3, 9)], "out": [(0, 5)]})

    with pytest.raises(LostOffsetsError) as raised:
        starts_of(consumer, output_topics=["out"], stop_on_lost_offsets=True)

    told = str(raised.value)
    assert "in-0: committed none, the log holds 3 to 9 (expiry)" in told
    assert "--reset-offsets" in told
    assert consumer.marked == []
