"""The trainer's loop with a reader and an answering of our own: one command at a time, polled on, never lost."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from schemas.errors import OutageError, SetupError, StoppedError
from schemas.events.retraining import RetrainStatus
from schemas.records import RecordBatch
from training.metrics import TrainerMetrics
from training.service.command_consumer import Consumer, TrainerStatus


class AwayError(OutageError):
    """A dependency is away."""


class Batch:
    """One command, as a reader hands it over."""

    def __init__(self, offset: int) -> None:
        self.records = RecordBatch("commands", [b"k"], [b"v"], [0], [offset], [1], [()])


class ScriptedReader:
    """Hands batches over, one after the other is acknowledged, and stops the loop when all are."""

    assigned = True
    partitions = frozenset({("commands", 0)})
    current = True

    def __init__(self, count: int, stop: Callable[[], None], breaks_at: int = -1) -> None:
        self.waiting = [Batch(offset) for offset in range(count)]
        self.held = False
        self.polls_while_held = 0
        self.acknowledged: list[int] = []
        self.closed = False
        self._stop = stop
        self._breaks_at = breaks_at

    def read(self, _timeout_s: float) -> Any:
        if self.held:
            self.polls_while_held += 1
            if self.polls_while_held == self._breaks_at:
                raise AwayError
            return None
        if not self.waiting:
            self._stop()
            return None
        self.held = True
        return self.waiting.pop(0)

    def is_current(self, _batch: Batch) -> bool:
        return self.current

    def acknowledge(self, batch: Batch) -> None:
        self.held = False
        self.acknowledged.append(batch.records.offsets[0])

    def close(self) -> None:
        self.closed = True


class ScriptedDelivery:
    """Records what is delivered; or fails as often as it is to."""

    def __init__(self, fails: int = 0) -> None:
        self.delivered: list[tuple[int, list[Any]]] = []
        """Offset of each command, and the records of its answer."""
        self.opens = 0
        self.doubted: list[OutageError] = []
        self._fails = fails

    @contextmanager
    def session(self) -> Iterator[None]:
        self.opens += 1
        yield

    def deliver(self, batch: Batch, records: Sequence[Any]) -> None:
        if self._fails:
            self._fails -= 1
            raise AwayError
        self.delivered.append((batch.records.offsets[0], list(records)))

    def doubt(self, fault: OutageError) -> None:
        self.doubted.append(fault)


class Answer:
    def __init__(self, status: RetrainStatus) -> None:
        self.record = status
        self.result = SimpleNamespace(command_id="c", status=status, why="")


class ScriptedHandler:
    """Answers as scripted, command by command; an exception is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.together = 0
        self.most_together = 0

    def read(self, _value: bytes, place: Any, _timestamp: int) -> Any:
        class CommandRecord:
            class command:  # noqa: N801 - stands for an instance
                command_id = str(place)

        return CommandRecord()

    def answer(self, _asked: Any, watch: Any) -> Any:
        self.asked += 1
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        try:
            answer = self.answers.pop(0)
            if callable(answer):
                answer = answer(watch)
            if isinstance(answer, Exception):
                raise answer
            return Answer(answer) if answer else None
        finally:
            self.together -= 1


def promote_slowly(_watch: Any) -> RetrainStatus:
    """Long enough for the reader to break meanwhile."""
    threading.Event().wait(0.3)
    return RetrainStatus.PROMOTED


def a_loop(
    answering: ScriptedHandler,
    *readers: ScriptedReader,
    lifecycle: TrainerStatus,
    delivery: ScriptedDelivery | None = None,
) -> Consumer:
    waiting = list(readers)
    metrics = TrainerMetrics(CollectorRegistry())
    return Consumer(lambda: waiting.pop(0), answering, delivery or ScriptedDelivery(), metrics, lifecycle)  # type: ignore[arg-type,return-value]


@pytest.fixture
def lifecycle() -> TrainerStatus:
    return TrainerStatus()


@pytest.fixture
def reader(lifecycle: TrainerStatus) -> ScriptedReader:
    """It has one command, and stops the trainer after it."""
    return ScriptedReader(1, lifecycle.stopping.set)


def test_commands_are_committed_with_their_answers_one_after_the_other(lifecycle: TrainerStatus) -> None:
    reader = ScriptedReader(3, lifecycle.stopping.set)
    answering = ScriptedHandler(RetrainStatus.PROMOTED, RetrainStatus.DUPLICATE, None)
    delivery = ScriptedDelivery()

    a_loop(answering, reader, lifecycle=lifecycle, delivery=delivery).run()

    assert delivery.delivered == [(0, [RetrainStatus.PROMOTED]), (1, [RetrainStatus.DUPLICATE]), (2, [])]
    assert reader.acknowledged == [0, 1, 2]
    assert answering.most_together == 1
    assert reader.closed


def test_the_group_is_polled_while_a_training_runs(lifecycle: TrainerStatus, reader: ScriptedReader) -> None:
    polled = threading.Event()

    def slow(_watch: Any) -> RetrainStatus:
        while reader.polls_while_held < 3:
            polled.wait(0.01)
        return RetrainStatus.REJECTED

    a_loop(ScriptedHandler(slow), reader, lifecycle=lifecycle).run()

    assert reader.polls_while_held >= 3
    assert reader.acknowledged == [0]


def test_an_outage_is_waited_out_with_the_command_in_hand(lifecycle: TrainerStatus, reader: ScriptedReader) -> None:
    answering = ScriptedHandler(AwayError(), AwayError(), RetrainStatus.PROMOTED)

    a_loop(answering, reader, lifecycle=lifecycle).run()

    assert answering.asked == 3
    assert reader.acknowledged == [0]


def test_a_delivery_of_unknown_end_is_attempted_again_from_the_search_for_an_earlier_answer(
    lifecycle: TrainerStatus, reader: ScriptedReader
) -> None:
    answering, delivery = ScriptedHandler(RetrainStatus.HELD, None), ScriptedDelivery(fails=1)

    a_loop(answering, reader, lifecycle=lifecycle, delivery=delivery).run()

    assert (delivery.delivered, delivery.opens) == ([(0, [])], 2)
    assert reader.acknowledged == [0]


def test_a_session_s_end_is_told_to_the_delivery(lifecycle: TrainerStatus) -> None:
    delivery = ScriptedDelivery()
    broken, mended = ScriptedReader(1, lifecycle.stopping.set, breaks_at=1), ScriptedReader(0, lifecycle.stopping.set)

    a_loop(ScriptedHandler(promote_slowly), broken, mended, lifecycle=lifecycle, delivery=delivery).run()

    assert [type(fault) for fault in delivery.doubted] == [AwayError]


def test_a_training_that_is_told_to_stop_is_not_committed(lifecycle: TrainerStatus, reader: ScriptedReader) -> None:
    def stop(watch: Any) -> Exception:
        lifecycle.stopping.set()
        assert watch.stop()
        return StoppedError()

    a_loop(ScriptedHandler(stop), reader, lifecycle=lifecycle).run()

    assert reader.acknowledged == []


def test_a_fault_that_a_person_must_mend_ends_the_process_with_the_command_uncommitted(
    lifecycle: TrainerStatus, reader: ScriptedReader
) -> None:
    loop = a_loop(ScriptedHandler(SetupError("no topic")), reader, lifecycle=lifecycle)

    with pytest.raises(SetupError, match="no topic"):
        loop.run()
    assert reader.acknowledged == []
    assert not lifecycle.health(None).live


def test_where_reading_breaks_amid_a_training_no_second_one_begins_beside_it(lifecycle: TrainerStatus) -> None:
    broken = ScriptedReader(1, lifecycle.stopping.set, breaks_at=1)
    mended = ScriptedReader(1, lifecycle.stopping.set)

    answering = ScriptedHandler(promote_slowly, None)
    a_loop(answering, broken, mended, lifecycle=lifecycle).run()

    assert answering.most_together == 1
    assert broken.closed
    assert (broken.acknowledged, mended.acknowledged) == ([], [0])


def test_a_schedule_is_looked_at_only_where_no_command_is_in_hand_and_outlives_an_outage(
    lifecycle: TrainerStatus,
) -> None:
    reader = ScriptedReader(1, lambda: None)
    in_hand: list[bool] = []

    def ask() -> None:
        in_hand.append(reader.held)
        if len(in_hand) == 1:
            raise AwayError
        lifecycle.stopping.set()

    loop = a_loop(ScriptedHandler(RetrainStatus.REJECTED), reader, lifecycle=lifecycle)
    loop.ask = ask
    loop.run()

    assert in_hand == [False, False]
    assert reader.acknowledged == [0]
    assert lifecycle.away == {}


def test_a_trainer_that_does_not_own_the_commands_asks_for_nothing(lifecycle: TrainerStatus) -> None:
    reader = ScriptedReader(0, lifecycle.stopping.set)
    reader.partitions = frozenset()
    asked: list[bool] = []
    loop = a_loop(ScriptedHandler(), reader, lifecycle=lifecycle)
    loop.ask = lambda: asked.append(True)

    loop.run()

    assert asked == []


def test_a_training_whose_command_has_moved_to_another_trainer_is_given_up(
    lifecycle: TrainerStatus, reader: ScriptedReader
) -> None:
    steps: list[str] = []

    def lose_partition(watch: Any) -> RetrainStatus:
        watch.step("search")
        steps.append("search")
        reader.current = False
        watch.step("log")
        steps.append("log")
        return RetrainStatus.PROMOTED

    loop = a_loop(ScriptedHandler(lose_partition), reader, lifecycle=lifecycle)
    loop.run()

    assert steps == ["search"]


def test_an_answer_to_a_command_that_has_moved_to_another_trainer_is_not_delivered(
    lifecycle: TrainerStatus, reader: ScriptedReader
) -> None:
    delivery = ScriptedDelivery()

    def lose_partition_at_last(_watch: Any) -> RetrainStatus:
        reader.current = False
        return RetrainStatus.FAILED

    a_loop(ScriptedHandler(lose_partition_at_last), reader, lifecycle=lifecycle, delivery=delivery).run()

    assert delivery.delivered == []


def test_a_trainer_that_was_thrown_out_of_its_group_registers_nothing(lifecycle: TrainerStatus) -> None:
    broken = ScriptedReader(1, lifecycle.stopping.set, breaks_at=1)
    following = ScriptedReader(0, lifecycle.stopping.set)
    steps: list[str] = []

    def outlive_membership(watch: Any) -> RetrainStatus:
        while loop.reader is not None:
            threading.Event().wait(0.01)
        watch.step("register")
        steps.append("register")
        return RetrainStatus.PROMOTED

    loop = a_loop(ScriptedHandler(outlive_membership), broken, following, lifecycle=lifecycle)
    loop.run()

    assert steps == []
    assert broken.acknowledged == []
