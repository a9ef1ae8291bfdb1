"""Faust's consumer meets a broker that is away, then there."""

from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from streams.worker import faust_transport
from streams.worker.faust_transport import PatientThread, PatientTransport


class Away:
    """A consumer which could not start."""

    def __init__(self) -> None:
        self.stopped = 0

    async def stop(self) -> None:
        self.stopped += 1


@pytest.fixture
def thread(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(faust_transport, "RETRY_S", 0.0)
    thread = PatientThread.__new__(PatientThread)
    thread._consumer = Away()
    monkeypatch.setattr(PatientThread, "should_stop", False)
    return thread


async def test_a_start_waits_the_broker_out_and_leaves_no_connection_behind(
    thread: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([KafkaConnectionError("away"), KafkaConnectionError("away"), None])

    async def start(_self: Any) -> None:
        answer = next(answers)
        if answer is not None:
            raise answer

    async def sleep(_self: Any, _seconds: float) -> None: ...

    monkeypatch.setattr(AIOKafkaConsumerThread, "on_start", start)
    monkeypatch.setattr(PatientThread, "sleep", sleep)
    await thread.on_start()
    assert next(answers, "all asked") == "all asked"
    assert thread._consumer.stopped == 2


async def test_a_worker_told_to_stop_asks_no_more(thread: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def start(_self: Any) -> None:
        asked.append(1)
        monkeypatch.setattr(PatientThread, "should_stop", True)
        raise KafkaConnectionError

    async def sleep(_self: Any, _seconds: float) -> None: ...

    monkeypatch.setattr(AIOKafkaConsumerThread, "on_start", start)
    monkeypatch.setattr(PatientThread, "sleep", sleep)
    await thread.on_start()
    assert len(asked) == 1


def test_the_transport_makes_patient_consumers() -> None:
    assert PatientTransport.Consumer is faust_transport.PatientConsumer
