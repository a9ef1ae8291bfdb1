"""A crash is an item of the input: whatever dies where, each record is answered once."""

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from confluent_kafka import KafkaError
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import OutgoingRecord
from streams.kafka.group.batch_reader import ConsumerConfig, Reader
from streams.kafka.producer import transactions
from streams.kafka.producer.delivery import AtLeastOnce, Delivery, ExactlyOnce, Mode, delivery_of
from streams.kafka.producer.transactions import DeliveryError, RefusedBatchError, enqueue
from streams.runtime.hang_guard import HungError
from streams.runtime.settings import Connection
from tests.doubles.kafka import Crash, FakeBroker, Message, failure

RECORDS = 12
READING = ConsumerConfig(topics=["in"], group="g", instance_id="one", most_records=3, drain_s=0.0)


class Fate:
    """Crashes the process at the given acts, counted over all its lives."""

    def __init__(self, crashes: frozenset[int]) -> None:
        self._crashes = crashes
        self._acts = 0
        self.armed = True

    def __call__(self, _act: str) -> None:
        self._acts += 1
        if self.armed and self._acts in self._crashes:
            raise Crash


def life(broker: FakeBroker, mode: Mode, most_reads: int) -> None:
    """One process from its start to its end, or to its crash; no hand is lifted afterwards."""
    delivery: Delivery
    if mode is Mode.EXACTLY_ONCE:
        delivery = ExactlyOnce(Connection(), "one", broker.producer)
    else:
        delivery = AtLeastOnce(Connection(), broker.producer)
    delivery.open()
    reader = Reader(Connection(), READING, broker.consumer)
    for _ in range(most_reads):
        batch = reader.read(0)
        if batch is not None:
            answers = [OutgoingRecord("out", b"k", value) for value in batch.records.values]
            delivery.deliver(answers, batch, reader)


def answers_with_crashes(mode: Mode, crashes: frozenset[int]) -> list[bytes | None]:
    fate = Fate(crashes)
    broker = FakeBroker(fate)
    broker.put("in", *(b"%d" % number for number in range(RECORDS)))
    for _ in range(len(crashes)):
        with suppress(Crash):
            life(broker, mode, 4)
    fate.armed = False
    life(broker, mode, 2 * RECORDS)
    return broker.values("out")


@pytest.mark.slow
@given(st.frozensets(st.integers(1, 80), max_size=6))
@settings(max_examples=60, deadline=None)
def test_exactly_once_gives_the_same_answers_whatever_crashes_come_between(crashes: frozenset[int]) -> None:
    assert Counter(answers_with_crashes(Mode.EXACTLY_ONCE, crashes)) == Counter(
        answers_with_crashes(Mode.EXACTLY_ONCE, frozenset())
    )


@given(st.frozensets(st.integers(1, 80), max_size=6))
@settings(max_examples=60, deadline=None)
def test_at_least_once_loses_nothing_and_repeats_the_same_bytes_alone(crashes: frozenset[int]) -> None:
    assert set(answers_with_crashes(Mode.AT_LEAST_ONCE, crashes)) == set(
        answers_with_crashes(Mode.AT_LEAST_ONCE, frozenset())
    )


class LostAnswers:
    """At the given acts the broker does what it is asked, or does not, and the client is told of a time-out."""

    def __init__(self, lost: frozenset[int]) -> None:
        self._lost = lost
        self._acts = 0

    def __call__(self, act: str) -> None:
        if act in OF_TRANSACTIONS:
            self._acts += 1
            if self._acts in self._lost:
                raise failure(KafkaError._TIMED_OUT)


OF_TRANSACTIONS = frozenset({"init_transactions", "produce", "send_offsets", "commit_transaction", "committed"})


@pytest.mark.slow
@given(st.frozensets(st.integers(1, 60), max_size=8))
@settings(max_examples=60, deadline=None)
def test_exactly_once_holds_where_nobody_knows_whether_a_commit_was_done(
    lost: frozenset[int],
) -> None:
    broker = FakeBroker(LostAnswers(lost))
    broker.put("in", *(b"%d" % number for number in range(RECORDS)))

    # The process lives on, and begins a new session after each failure, as the worker does.
    for _ in range(len(lost) + 1):
        with suppress(DeliveryError):
            life(broker, Mode.EXACTLY_ONCE, 2 * RECORDS)

    assert Counter(broker.values("out")) == {b"%d" % number: 1 for number in range(RECORDS)}


def test_a_quiet_day_answers_each_record_once_in_both_modes() -> None:
    expected = {b"%d" % number: 1 for number in range(RECORDS)}

    assert Counter(answers_with_crashes(Mode.EXACTLY_ONCE, frozenset())) == expected
    assert Counter(answers_with_crashes(Mode.AT_LEAST_ONCE, frozenset())) == expected


class ScriptedProducer:
    """A producer that fails as told, and notes what was done to it."""

    def __init__(self, **failing: Exception) -> None:
        self.failing = failing
        self.done: list[str] = []

    def __getattr__(self, act: str) -> Any:
        def do(*_: object, **__: object) -> int:
            self.done.append(act)
            if act in self.failing:
                raise self.failing[act]
            return 0

        return do


def producer_factory(made: list[dict[str, Any]]) -> Callable[[dict[str, Any]], ScriptedProducer]:
    """Makes producers, and notes with which properties."""

    def make(properties: dict[str, Any]) -> ScriptedProducer:
        made.append(properties)
        return ScriptedProducer()

    return make


def a_batch() -> tuple[Any, Reader]:
    broker = FakeBroker()
    broker.put("in", b"a")
    reader = Reader(Connection(), READING, broker.consumer)
    return reader.read(0), reader


def test_a_failed_transaction_is_aborted_so_that_readers_do_not_wait_for_its_timeout() -> None:
    producer = ScriptedProducer(commit_transaction=failure(KafkaError._TIMED_OUT))
    delivery = ExactlyOnce(Connection(), "one", lambda _: producer)
    delivery.open()

    with pytest.raises(DeliveryError, match="_TIMED_OUT"):
        delivery.deliver([], *a_batch())

    assert producer.done[-1] == "abort_transaction"


def test_a_transaction_call_that_never_returns_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "WHOLE_S", 0.05)
    monkeypatch.setattr(transactions, "ABORT_S", 0.05)
    freed = threading.Event()

    class HangingProducer(ScriptedProducer):
        def send_offsets_to_transaction(self, *_: object) -> None:
            freed.wait()

        def close(self) -> None:
            freed.wait()

    delivery = ExactlyOnce(Connection(), "one", lambda _: HangingProducer())
    delivery.open()

    with pytest.raises(HungError):
        delivery.deliver([], *a_batch())
    delivery.close()

    assert not freed.is_set()
    freed.set()


def test_offsets_are_not_committed_where_an_answer_was_not_acknowledged() -> None:
    broker = FakeBroker()
    broker.put("in", b"a")
    reader = Reader(Connection(), READING, broker.consumer)
    batch = reader.read(0)
    assert batch is not None
    made: list[dict[str, Any]] = []
    delivery = AtLeastOnce(Connection(), producer_factory(made))
    delivery.open()
    made[0]["on_delivery"](KafkaError(KafkaError._MSG_TIMED_OUT), REFUSED)

    with pytest.raises(DeliveryError, match="_MSG_TIMED_OUT"):
        delivery.deliver([], batch, reader)

    assert set(broker.committed.values()) == {0}, "where the group began"


def test_a_full_client_queue_is_waited_for() -> None:
    class Full(ScriptedProducer):
        def produce(self, *_: object, **__: object) -> None:
            self.done.append("produce")
            if self.done.count("produce") == 1:
                raise BufferError

    producer = Full()

    enqueue(producer, [OutgoingRecord("out", None, b"v")])

    assert producer.done == ["produce", "poll", "produce"]


def test_transactions_are_short_and_impatient() -> None:
    made: list[dict[str, Any]] = []
    delivery = ExactlyOnce(Connection(), "one", producer_factory(made))
    delivery.open()

    assert made[0]["retry.backoff.ms"] == 5
    assert made[0]["transaction.timeout.ms"] == 15_000


def test_the_mode_chooses_the_delivery() -> None:
    assert isinstance(delivery_of(Mode.EXACTLY_ONCE, Connection(), "n"), ExactlyOnce)
    assert isinstance(delivery_of(Mode.AT_LEAST_ONCE, Connection(), "n"), AtLeastOnce)


REFUSED = Message(("out", 0, -1), b"key", b"value")


class RefusingProducer:
    """A broker that takes no record: the report names why, the transaction only that it failed."""

    def __init__(self, properties: dict[str, Any], code: int) -> None:
        self._report, self._code = properties["on_delivery"], code

    def produce(self, *_: object, **__: object) -> None: ...
    def purge(self) -> None: ...
    def close(self) -> None: ...
    def init_transactions(self, _timeout_s: float) -> None: ...
    def begin_transaction(self) -> None: ...
    def abort_transaction(self, _timeout_s: float) -> None: ...
    def send_offsets_to_transaction(self, *_: object) -> None: ...

    def commit_transaction(self, _timeout_s: float) -> None:
        self.flush()
        raise failure(KafkaError._FAIL)

    def flush(self, _timeout_s: float = 0) -> int:
        self._report(KafkaError(self._code), REFUSED)
        return 0


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (KafkaError.MSG_SIZE_TOO_LARGE, RefusedBatchError),
        (KafkaError.INVALID_RECORD, RefusedBatchError),
        (KafkaError._MSG_TIMED_OUT, DeliveryError),
    ],
)
def test_a_record_that_a_broker_refuses_is_told_from_an_outage(mode, code, expected):
    broker = FakeBroker()
    broker.put("in", b"v")
    reader = Reader(Connection(), READING, broker.consumer)
    batch = next(batch for batch in iter(lambda: reader.read(0), object()) if batch is not None)
    make: Callable[[dict[str, Any]], Any] = partial(RefusingProducer, code=code)
    modes = {Mode.EXACTLY_ONCE: lambda: ExactlyOnce(Connection(), "one", make)}
    delivery = modes.get(mode, lambda: AtLeastOnce(Connection(), make))()
    delivery.open()

    with pytest.raises(DeliveryError) as raised:
        delivery.deliver([OutgoingRecord("out", b"k", b"v")], batch, reader)

    assert type(raised.value) is expected
