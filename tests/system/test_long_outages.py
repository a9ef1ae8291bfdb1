"""A broker that hangs or is stopped, under a low limit of open files: worker and drift agent say so, and go on."""

import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from loanctl.simulation import synthetic_population
from loanctl.stack.local_stack import LocalStack
from schemas.records import OutgoingRecord
from streams.runtime.settings import Connection
from tests.system.containers import ContainerStack
from tests.system.drift_stage import DriftStage
from tests.system.processes import Processes, ProcessUnderTest
from tests.system.wait import wait_for
from tests.system.workers import READY_S, Answers, Applicants, Worker, start_worker

BLOCKS, BLOCK = 40, 50
EVERY_S = 0.25
OPEN_FILES = 256
AWAY_S = 90.0
RECOVERY_S = 120.0
Stack = LocalStack | ContainerStack
OUTAGES: dict[str, tuple[Callable[[Stack], None], Callable[[Stack], None]]] = {
    "hangs": (lambda stack: stack.freeze("kafka"), lambda stack: stack.thaw("kafka")),
    "stopped": (lambda stack: stack.stop("kafka"), lambda stack: stack.start("kafka")),
}


@pytest.mark.parametrize(
    ("outage", "more_s"),
    [
        ("hangs", 0),
        pytest.param("hangs", 75, marks=pytest.mark.chaos),
        pytest.param("stopped", 75, marks=pytest.mark.chaos),
    ],
)
def test_an_outage_is_told_takes_no_more_files_the_longer_it_lasts_and_costs_nothing(
    stack: Stack,
    connection: Connection,
    processes: Processes,
    tmp_path: Path,
    outage: str,
    more_s: int,
) -> None:
    stage, applicants, answers = DriftStage(connection, tmp_path), Applicants(connection), Answers(connection)
    stage.crown()
    blocks = [stage.records(synthetic_population.applicants(BLOCK, seed)) for seed in range(BLOCKS)]
    windows = {"window_s": 300, "idle_s": 1, "window_idle_s": 3, "with_decisions": False}
    worker = start_worker(processes, ready=False)
    agent = Worker(processes.start("drift", web_port=0, cache_dir=tmp_path / "cache", **windows))
    for each in (worker, agent):
        resource.prlimit(each.process.pid, resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    wait_for(lambda: worker.is_ready() and agent.is_ready(), READY_S, "worker and agent")
    begin, end = OUTAGES[outage]

    with stream_blocks(applicants, blocks):
        wait_for(answers.counts, READY_S, "the first decisions")
        wait_for(stage.reports, READY_S, "the first report")
        begin(stack)
        try:
            for each in (worker, agent):
                wait_for(lambda of=each: "broker" in of.health()[1].get("away", {}), AWAY_S, "the outage")
            files = [open_files(each.process, more_s) for each in (worker, agent)]
            health = [each.health("health")[0] for each in (worker, agent)]
        finally:
            end(stack)

    total = BLOCKS * BLOCK
    wait_for(lambda: len(answers.counts()) == total, RECOVERY_S, "a decision for each application")
    wait_for(lambda: sum(report.n for report in stage.reports()) == total, RECOVERY_S, "each in a report")
    assert health == [200, 200]
    assert set(answers.counts().values()) == {1}
    assert len({report.window_id for report in stage.reports()}) == len(stage.reports())
    for earlier, later in files:
        print(outage, earlier, later)  # noqa: T201 - the figures of a run by hand
        assert not more_s or max(later) <= max(earlier) < OPEN_FILES
    assert [each.process.stop() for each in (worker, agent)] == [0, 0]


@contextmanager
def stream_blocks(applicants: Applicants, blocks: Sequence[Sequence[OutgoingRecord]]) -> Iterator[None]:
    """A block every moment, whether the broker is there or not; all of them are acknowledged at the end."""

    def send() -> None:
        for block in blocks:
            for record in block:
                applicants.send(record.key, record.value)
            time.sleep(EVERY_S)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        applicants.flush()


def open_files(process: ProcessUnderTest, for_s: int) -> tuple[list[int], list[int]]:
    """How many descriptors it had, twice a second, in the first and the second half of a time."""

    def sample() -> list[int]:
        until, counts = time.monotonic() + for_s / 2, []
        while not counts or time.monotonic() < until:
            counts.append(len(list(Path(f"/proc/{process.pid}/fd").iterdir())))
            time.sleep(EVERY_S)
        return counts

    return sample(), sample()
