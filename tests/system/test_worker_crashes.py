"""Two workers killed, frozen and cut off under load; a reader of the topics counts what became of each application."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loanctl.stack.local_stack import LocalStack
from streams.runtime.settings import Connection
from tests.system.containers import ContainerStack
from tests.system.processes import Processes, pause
from tests.system.scorecards import Champions
from tests.system.waiting import wait_for
from tests.system.workers import Answers, Applicants, Worker, start_worker

RATE = 200
TICKS = 200
"""Times a second at which applications are sent, at most."""
FROZEN_S = 10.0
"""Longer than a session: the group has gone on without the worker when it wakes."""
DOWN_S = 3.0
RECOVERY_S = 90.0


@contextmanager
def applying(applicants: Applicants, rate: int = RATE) -> Iterator[None]:
    """A steady stream of applications for the length of a block, so many a second."""
    stop = threading.Event()

    def stream() -> None:
        began = time.monotonic()
        first = len(applicants.sent)
        while not stop.wait(1 / min(rate, TICKS)):
            applicants.apply(range(len(applicants.sent), first + int((time.monotonic() - began) * rate)))

    thread = threading.Thread(target=stream)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        applicants.acknowledged()


@pytest.mark.timeout(600)  # thirteen starts of a worker, each of some seconds, on a machine that others may use too
@pytest.mark.parametrize("kills", [3, pytest.param(10, marks=pytest.mark.chaos)])
def test_kills_a_freeze_and_a_broker_restart_leave_one_decision_for_each_application(
    stack: LocalStack | ContainerStack, connection: Connection, processes: Processes, tmp_path: Path, kills: int
) -> None:
    champions = Champions(connection, tmp_path / "models")
    champions.promote(champions.register())
    applicants, answers = Applicants(connection), Answers(connection)
    chance = random.Random(7)
    workers = [start_worker(processes), start_worker(processes)]

    with applying(applicants):
        for kill in range(kills):
            pause(chance.uniform(0.2, 1.0))
            workers[kill % 2] = killed_and_started_again(workers[kill % 2], processes)
            if kill == kills // 2:
                stack.restart_broker(DOWN_S)
            if kill == kills - 1:
                frozen_for(workers[1 - kill % 2], FROZEN_S)

    wait_for(lambda: set(answers.counted()) >= set(applicants.sent), RECOVERY_S, "a decision for each application")
    counted = answers.counted()

    assert {name: count for name, count in counted.items() if count != 1} == {}
    assert counted.keys() == set(applicants.sent)
    assert [worker.process.stop() for worker in workers] == [0, 0]


def killed_and_started_again(worker: Worker, processes: Processes) -> Worker:
    """Its successor, which takes over its name, its partitions and what it left open."""
    wait_for(worker.is_ready, RECOVERY_S, "the worker to be killed")
    worker.process.kill()
    return start_worker(processes, ready=False)


def frozen_for(worker: Worker, seconds: float) -> None:
    wait_for(worker.is_ready, RECOVERY_S, "the worker to be frozen")
    worker.process.freeze()
    pause(seconds)
    worker.process.thaw()


def test_a_worker_told_to_stop_as_soon_as_it_is_ready_leaves_in_good_order(
    connection: Connection, processes: Processes, tmp_path: Path
) -> None:
    champions = Champions(connection, tmp_path / "models")
    champions.promote(champions.register())

    # Ready means that partitions are known; Faust's own clients may still be starting.
    assert start_worker(processes).process.stop() == 0


def test_a_stopped_worker_finishes_its_batch_and_its_successor_goes_on(
    connection: Connection, processes: Processes, tmp_path: Path
) -> None:
    champions = Champions(connection, tmp_path / "models")
    champions.promote(champions.register())
    applicants, answers = Applicants(connection), Answers(connection)
    first = start_worker(processes, delivery="at_least_once")
    applicants.apply(range(3_000))
    applicants.acknowledged()
    wait_for(answers.counted, 30, "the first decisions")

    status = first.process.stop()
    after_stop = answers.counted()
    start_worker(processes, delivery="at_least_once")
    wait_for(lambda: len(answers.counted()) >= len(applicants.sent), RECOVERY_S, "the rest")

    assert status == 0
    assert set(answers.counted().values()) == {1}, "a stop in good order repeats nothing, at least once or not"
    assert after_stop
