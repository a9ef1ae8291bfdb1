"""A session that ended because offsets stayed unstable is followed by one that ends what its own id left open."""

from typing import Any

import pytest

from schemas.access import KafkaPrincipal
from schemas.errors import OutageError
from streams.kafka.kafka_errors import BrokerAwayError, ReadingError, UnstableOffsetsError
from streams.kafka.producer import hanging_transactions
from streams.kafka.producer.hanging_transactions import HangingTransactions
from streams.kafka.producer.transactions import TransactionalProducer
from streams.runtime.settings import Connection
from tests.doubles.kafka import failure

UNSTABLE = UnstableOffsetsError("UNSTABLE_OFFSET_COMMIT", "g", ["in"])
WRITTEN = ["loan.applications.v1.dlq", "loan.decisions.shadow.v1", "loan.decisions.v1"]


class Recorder:
    """A producer and a consumer that write down what they are asked for."""

    def __init__(self, calls: list[Any], refuses: bool = False) -> None:
        self._calls, self._refuses = calls, refuses

    def produce(self, topic: str, key: bytes, partition: int) -> None:
        self._calls.append((topic, partition))

    def send_offsets_to_transaction(self, offsets: list[Any], metadata: str, _timeout_s: float) -> None:
        self._calls.append((offsets[0].topic, metadata))

    def __getattr__(self, name: str) -> Any:
        def call(*_: object) -> str:
            self._calls.append(name)
            if self._refuses and name == "abort_transaction":
                raise failure(-185)
            return "metadata of g"

        return call


@pytest.fixture
def aborter(monkeypatch: pytest.MonkeyPatch) -> HangingTransactions:
    monkeypatch.setattr(hanging_transactions, "partitions_of", lambda _connection, _topic: [0, 1])
    monkeypatch.setattr(hanging_transactions, "Consumer", lambda _properties: Recorder([]))
    return HangingTransactions(Connection(), KafkaPrincipal.WORKER)


def session(aborter: HangingTransactions, *, refuses: bool = False) -> list[Any]:
    """What a producer is asked for as it opens."""
    calls: list[Any] = []
    producer = TransactionalProducer(Connection(), "w", lambda _properties: Recorder(calls, refuses), aborter.abort)
    try:
        producer.open()
        return list(calls)
    finally:
        producer.close()


def test_after_unstable_offsets_the_next_session_aborts_in_all_that_it_writes_and_in_the_offsets(
    aborter: HangingTransactions,
) -> None:
    aborter.doubt(UNSTABLE)

    first, second = session(aborter), session(aborter)

    places = [(topic, partition) for topic in WRITTEN for partition in (0, 1)]
    offsets = ("in", "metadata of g")
    assert first == ["init_transactions", "begin_transaction", *places, "flush", offsets, "abort_transaction"]
    assert second == ["init_transactions"]


@pytest.mark.parametrize("fault", [BrokerAwayError("_TRANSPORT"), ReadingError("_MAX_POLL_EXCEEDED")])
def test_other_ends_of_a_session_leave_nothing_to_abort(aborter: HangingTransactions, fault: OutageError) -> None:
    aborter.doubt(fault)

    assert session(aborter) == ["init_transactions"]


def test_a_broker_that_refuses_is_asked_once_for_each_doubt(aborter: HangingTransactions) -> None:
    aborter.doubt(UNSTABLE)
    with pytest.raises(OutageError):
        session(aborter, refuses=True)

    assert session(aborter) == ["init_transactions"]
