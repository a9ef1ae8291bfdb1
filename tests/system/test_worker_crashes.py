"""Workers that are told to stop, at once or under load; kills and freezes are `tests.chaos`'s."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime.settings import Connection
from tests.system.processes import Processes
from tests.system.wait import wait_for
from tests.system.workers import Answers, Applicants, start_worker

RATE = 200
TICKS = 200
"""Times a second at which applications are sent, at most."""
RECOVERY_S = 90.0


@contextmanager
def apply_steadily(applicants: Applicants, rate: int = RATE) -> Iterator[None]:
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
        applicants.flush()


def test_a_worker_told_to_stop_as_soon_as_it_is_ready_leaves_in_good_order(
    processes: Processes, champion: RegisteredVersion
) -> None:
    # Ready means that partitions are known; Faust's own clients may still be starting.
    assert start_worker(processes).process.stop() == 0


def test_a_stopped_worker_finishes_its_batch_and_its_successor_goes_on(
    connection: Connection, processes: Processes, champion: RegisteredVersion
) -> None:
    applicants, answers = Applicants(connection), Answers(connection)
    first = start_worker(processes, delivery="at_least_once")
    applicants.apply(range(3_000))
    applicants.flush()
    wait_for(answers.counts, 30, "the first decisions")

    status = first.process.stop()
    after_stop = answers.counts()
    start_worker(processes, delivery="at_least_once")
    wait_for(lambda: len(answers.counts()) >= len(applicants.sent), RECOVERY_S, "the rest")

    assert status == 0
    assert set(answers.counts().values()) == {1}, "a stop in good order repeats nothing, at least once or not"
    assert after_stop
