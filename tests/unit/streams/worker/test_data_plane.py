"""The worker's wiring on Faust's in-process channel: batches reach the agent, and faults begin a new session."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import faust
import pytest
from confluent_kafka import KafkaError

from schemas.errors import StoppedError
from schemas.records import OutgoingRecord
from streams.kafka.group.batch_reader import CommitGapError, ConsumerConfig, Reader
from streams.kafka.producer.delivery import AtLeastOnce, ExactlyOnce, Mode
from streams.kafka.producer.transactions import DeliveryError
from streams.runtime.lifecycle import Lifecycle
from streams.runtime.settings import Connection
from streams.worker.data_plane import BatchChannel, DataPlane, InFlightBatch, KafkaSession
from tests.doubles.kafka import FakeBroker

RECORDS = 20
STEPS = ("decode", "produce", "send_offsets", "flush", "commit", "commit_transaction", "committed", "metrics")
"""Of a batch: those of the code around the delivery, and those of the client in either mode."""
READING = ConsumerConfig(topics=["in"], group="g", instance_id="one", most_records=3, drain_s=0.0)


def session_on(broker: FakeBroker, mode: Mode = Mode.EXACTLY_ONCE) -> Callable[[], KafkaSession]:
    def open_session() -> KafkaSession:
        once = mode is Mode.EXACTLY_ONCE
        delivery = (
            ExactlyOnce(Connection(), "one", broker.producer) if once else AtLeastOnce(Connection(), broker.producer)
        )
        delivery.open()
        return KafkaSession(Reader(Connection(), READING, broker.consumer), delivery)

    return open_session


class UnforeseenError(Exception):
    """Whatever our code may raise; none of ours foresees it."""


def echo(handed: InFlightBatch) -> None:
    answers = [OutgoingRecord("out", b"k", value) for value in handed.batch.records.values]
    handed.session.delivery.deliver(answers, handed.batch, handed.session.reader)


@asynccontextmanager
async def run_plane(plane: DataPlane, answer: Callable[[InFlightBatch], None], folder: Path) -> AsyncIterator[Any]:
    """The plane beside an agent on its channel, without Faust's own Kafka clients."""
    app = faust.App("wiring", broker="kafka://127.0.0.1:1", datadir=str(folder), web_enabled=False)
    plane.channel = BatchChannel(app)

    async def work() -> None:
        async for handed in plane.channel.stream():

            async def act(handed: InFlightBatch = handed) -> None:
                await asyncio.to_thread(answer, handed)

            # As Faust does: an agent that raised is started again behind the batch that failed.
            with suppress(UnforeseenError):
                await plane.answer(handed, act)

    agent = asyncio.create_task(work())
    await plane.start()
    try:
        yield app
    finally:
        await plane.stop()
        agent.cancel()


async def until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not fact():  # noqa: ASYNC110 - facts of doubles have no event
            await asyncio.sleep(0.01)


@pytest.fixture
def broker() -> FakeBroker:
    broker = FakeBroker()
    broker.put("in", *(b"%d" % number for number in range(RECORDS)))
    return broker


async def test_every_record_passes_the_channel_once(broker: FakeBroker, tmp_path: Path) -> None:
    plane = DataPlane(session_on(broker), Lifecycle())

    async with run_plane(plane, echo, tmp_path):
        await until(lambda: len(broker.values("out")) >= RECORDS)

    assert sorted(broker.values("out")) == sorted(broker.values("in"))  # type: ignore[type-var]


async def test_an_outage_while_answering_begins_again_from_what_was_committed(
    broker: FakeBroker, tmp_path: Path
) -> None:
    lifecycle = Lifecycle()
    plane = DataPlane(session_on(broker), lifecycle)
    failures = iter([False, True, False, True])

    def unlucky(handed: InFlightBatch) -> None:
        if next(failures, False):
            raise DeliveryError(KafkaError(KafkaError._TIMED_OUT).name())
        echo(handed)

    async with run_plane(plane, unlucky, tmp_path):
        await until(lambda: len(broker.values("out")) >= RECORDS)

    assert sorted(broker.values("out")) == sorted(broker.values("in"))  # type: ignore[type-var]
    assert lifecycle.away == {}


async def test_a_rebalance_of_faust_s_own_group_takes_nothing_off_the_channel(
    broker: FakeBroker, tmp_path: Path
) -> None:
    plane = DataPlane(session_on(broker), Lifecycle())
    apps: list[Any] = []

    def disturb(handed: InFlightBatch) -> None:
        apps[0].flow_control.suspend()
        apps[0].flow_control.clear()
        echo(handed)

    async with run_plane(plane, disturb, tmp_path) as app:
        apps.append(app)
        await until(lambda: len(broker.values("out")) >= RECORDS)

    assert sorted(broker.values("out")) == sorted(broker.values("in"))  # type: ignore[type-var]


async def test_a_stop_finishes_what_is_in_flight(broker: FakeBroker, tmp_path: Path) -> None:
    plane = DataPlane(session_on(broker), Lifecycle())
    taken: list[bytes | None] = []

    def slow(handed: InFlightBatch) -> None:
        taken.extend(handed.batch.records.values)
        asyncio.run(asyncio.sleep(0.1))
        echo(handed)

    async with run_plane(plane, slow, tmp_path):
        await until(lambda: len(taken) > 0)

    assert broker.values("out") != []
    assert sorted(broker.values("out")) == sorted(taken)  # type: ignore[type-var]
    assert plane.session is None


async def test_lag_counts_what_is_in_hand(broker: FakeBroker, tmp_path: Path) -> None:
    plane = DataPlane(session_on(broker), Lifecycle())
    seen: list[tuple[float, float]] = []

    def record_lag(handed: InFlightBatch) -> None:
        seen.append((plane.lag_records(), plane.lag_seconds()))
        echo(handed)

    async with run_plane(plane, record_lag, tmp_path):
        await until(lambda: len(broker.values("out")) >= RECORDS)

    assert seen[0][0] >= 3
    assert seen[0][1] > 0
    assert (plane.lag_records(), plane.lag_seconds()) == (0.0, 0.0)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("step", STEPS)
async def test_an_exception_at_any_step_of_a_batch_ends_the_plane_and_loses_nothing(
    mode: Mode, step: str, tmp_path: Path
) -> None:
    left = {"acts": 5 if step == "produce" else 3}

    def before(act: str) -> None:
        left["acts"] -= act == step
        if act == step and left["acts"] == 0:
            raise UnforeseenError(step)

    broker = FakeBroker(before)
    broker.put("in", *(b"%d" % number for number in range(RECORDS)))

    def answer(handed: InFlightBatch) -> None:
        before("decode")
        echo(handed)
        before("metrics")

    crashed = DataPlane(session_on(broker, mode), Lifecycle())
    async with run_plane(crashed, answer, tmp_path):
        await until(lambda: crashed.crashed or len(broker.values("out")) >= RECORDS)
        ended = crashed.crashed
    decided = list(broker.values("out"))
    successor = DataPlane(session_on(broker, mode), Lifecycle())
    async with run_plane(successor, echo, tmp_path):
        await until(lambda: set(broker.values("out")) >= set(broker.values("in")))

    once = mode is Mode.EXACTLY_ONCE
    steps = {"decode", "produce", "metrics"} | (
        {"send_offsets", "commit_transaction", "committed"} if once else {"flush", "commit"}
    )
    assert ended == (step in steps), "a fault of ours ends the process"
    assert not ended or len(decided) < RECORDS, "nothing behind the fault was answered"
    counts = Counter(broker.values("out"))
    assert counts.keys() == set(broker.values("in"))
    assert not once or set(counts.values()) == {1}
    assert sum(counts.values()) - len(counts) <= READING.most_records, "at most the batch that failed is repeated"


async def test_a_batch_behind_one_that_was_left_is_not_committed(broker: FakeBroker, tmp_path: Path) -> None:
    plane = DataPlane(session_on(broker), Lifecycle())
    stops = iter([False, True])

    def answer(handed: InFlightBatch) -> None:
        if next(stops, False):
            raise StoppedError
        echo(handed)

    async with run_plane(plane, answer, tmp_path):
        await until(lambda: len(broker.values("out")) >= RECORDS)

    assert sorted(broker.values("out")) == sorted(broker.values("in"))  # type: ignore[type-var]


def test_the_delivery_refuses_a_batch_behind_one_that_was_not_committed(broker: FakeBroker) -> None:
    session = session_on(broker)()
    first, second = session.reader.read(0), session.reader.read(0)
    assert first is not None
    assert second is not None

    with pytest.raises(CommitGapError):
        session.delivery.deliver([], second, session.reader)

    session.delivery.deliver([], first, session.reader)
    session.delivery.deliver([], second, session.reader)
    assert broker.committed["g", "in", 0] > 0
