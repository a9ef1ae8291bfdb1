"""Sealed applications: a key takes a while, and a decision has no value to compare."""

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.exchange.exchange import Exchange, Submission
from gateway.exchange.ledger_lookup import LedgerLookup
from gateway.exchange.pending_decisions import BodyConflictError, PendingDecisions
from schemas.codec.event_codec import from_record
from schemas.events.decisions import LoanDecision
from streams.kafka.kafka_errors import BrokerAwayError
from streams.runtime.key_database import ErasedError, KeysAwayError
from tests.builders import an_application
from tests.doubles.gateway import FakeTopic, GatewayDouble, a_gateway
from tests.ledger_databases import sqlite_ledger
from tests.ledger_records import decide
from tests.unit.gateway.calls import a_body, client_of, until


class SlowKeys(FakeTopic):
    """Encodes once it may, in the thread that asks, as a key of the application comes."""

    may: threading.Event
    fault_of_keys: Exception | None = None

    def encode(self, record: Mapping[str, Any]) -> bytes:
        assert self.may.wait(30)
        if self.fault_of_keys is not None:
            raise self.fault_of_keys
        return super().encode(record)


@pytest.fixture
def topic() -> SlowKeys:
    slow = SlowKeys(PendingDecisions(10, 10), worker_away=True)
    slow.may = threading.Event()
    return slow


def an_exchange(topic: SlowKeys, timeout_s: float) -> Exchange:
    return Exchange(topic.pending, topic, timeout_s=timeout_s, seals=True)


def a_submission(digest: str = "d") -> Submission:
    return Submission("a-1", digest, an_application(application_id="a-1"))


async def leave_before_the_key(topic: SlowKeys) -> None:
    """A caller whose time is over before the key is there."""
    with pytest.raises(BrokerAwayError):
        await an_exchange(topic, 0.01).decisions([a_submission()])


async def test_a_caller_whose_time_is_over_while_the_key_is_asked_for_repeats_without_a_second_record(
    topic: SlowKeys,
) -> None:
    await leave_before_the_key(topic)

    repeated = asyncio.create_task(an_exchange(topic, 30.0).decisions([a_submission()]))
    await asyncio.sleep(0)
    topic.may.set()
    await until(lambda: bool(topic.values))
    topic.decide(0)
    [decision] = await repeated

    assert decision["application_id"] == "a-1"
    assert len(topic.values) == 1


async def test_another_body_is_a_conflict_while_the_first_ones_key_is_asked_for(topic: SlowKeys) -> None:
    await leave_before_the_key(topic)

    with pytest.raises(BodyConflictError):
        await an_exchange(topic, 0.01).decisions([a_submission("other")])
    topic.may.set()


async def test_one_whose_key_cannot_be_had_is_forgotten(topic: SlowKeys) -> None:
    topic.fault_of_keys = KeysAwayError()
    await leave_before_the_key(topic)

    topic.may.set()
    await until(lambda: topic.pending.get("a-1") is None)

    assert topic.values == []


@pytest.fixture
async def beside_a_ledger(tmp_path: Path) -> GatewayDouble:
    """A gateway beside a ledger with the decision on a sealed application a-1, made before the gateway's time."""
    earlier = a_gateway()
    async with client_of(earlier.app) as client:
        await client.post("/predict", json=a_body(application_id="a-1"))
    entry = earlier.gateway.exchange.pending.get("a-1")
    assert entry is not None
    decided = dict(entry.decision.result())
    decided["contributions"] = [{**each, "value": None} for each in decided["contributions"]]
    database = sqlite_ledger(tmp_path)
    decide(database, from_record(LoanDecision, decided))
    database.close()
    return a_gateway(ledger=LedgerLookup(str(database.engine.url)))


async def test_a_sealed_application_from_before_has_the_same_answer_and_is_not_published_again(
    beside_a_ledger: GatewayDouble,
) -> None:
    async with client_of(beside_a_ledger.app) as client:
        answer = await client.post("/predict", json=a_body(application_id="a-1"))

    assert answer.status_code == 200
    assert answer.json()["application_id"] == "a-1"
    assert beside_a_ledger.topic.values == []


async def test_an_id_whose_values_were_erased_is_gone_and_not_to_be_repeated() -> None:
    double = a_gateway()
    double.topic.fault = ErasedError("a-1")

    async with client_of(double.app) as client:
        answer = await client.post("/predict", json=a_body(application_id="a-1"))

    assert (answer.status_code, answer.json()["application_id"]) == (410, "a-1")
    assert "retry-after" not in answer.headers
