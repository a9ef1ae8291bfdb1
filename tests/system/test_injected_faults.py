"""An exception that nobody foresaw, in each step of a batch of a real process: nothing is lost, nothing doubled.

A process that raises ends; its successor under the same name goes on, and raises in the next step. All processes of a
round run side by side.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from loanctl.simulation import synthetic_population
from streams.runtime.settings import Connection
from tests.system.drift_stage import DriftStage
from tests.system.faulty_process import COUNTING_STEPS, CRASHED, ENDED, HANGS, WORKER_STEPS
from tests.system.processes import Processes, ProcessUnderTest
from tests.system.scorecards import Champions
from tests.system.wait import wait_for
from tests.system.workers import Answers, Applicants, Worker

APPLICATIONS = 500
DEAD = 503
BATCH = 20
START_S = 280.0
IN_TRANSACTION, ACKNOWLEDGED = WORKER_STEPS["exactly_once"], WORKER_STEPS["at_least_once"]
OF_THE_AGENT = (*COUNTING_STEPS, "assembly", "reports", "reports:done")


@dataclass
class Chain:
    """One worker's lives under one topic prefix, and what they leave on the topics."""

    connection: Connection
    delivery: str

    def __post_init__(self) -> None:
        self.applicants, self.answers = Applicants(self.connection), Answers(self.connection)

    def start(self, processes: Processes, steps: Sequence[str]) -> ProcessUnderTest:
        own = {"cache_dir": processes.folder / self.delivery, "topic_prefix": self.connection.topic_prefix}
        return processes.faulty("streams", steps, 1, delivery=self.delivery, batch_records=BATCH, web_port=0, **own)

    def answered(self, started: ProcessUnderTest) -> bool:
        assert started.alive(), started.tail()
        return len(self.answers.counts()) == APPLICATIONS


def test_a_worker_that_raises_in_any_step_with_two_batches_in_flight_loses_and_doubles_nothing(
    another: Callable[[], Connection], processes: Processes, tmp_path: Path
) -> None:
    chains = [Chain(another(), delivery) for delivery in ("exactly_once", "at_least_once")]
    champions = Champions(chains[0].connection, tmp_path / "models")
    champions.promote(champions.register())
    for chain in chains:
        chain.applicants.apply(range(APPLICATIONS))
        chain.applicants.flush()

    started = [
        chain.start(processes, steps) for chain, steps in zip(chains, (IN_TRANSACTION, ACKNOWLEDGED), strict=True)
    ]
    for chain, each in zip(chains, started, strict=True):
        wait_for(partial(chain.answered, each), START_S, "all decisions")

    for chain, each, steps in zip(chains, started, (IN_TRANSACTION, ACKNOWLEDGED), strict=True):
        assert ends(each) == [f"{step} {CRASHED}" for step in steps]
        values = {record.value() for record in chain.answers.records()}
        assert len(values) == APPLICATIONS, "what appears again has the same bytes"
        assert chain.answers.counts().keys() == set(chain.applicants.sent)
    once, again = (sum(chain.answers.counts().values()) for chain in chains)
    assert once == APPLICATIONS
    # Acknowledged and not committed: three of its steps lie in between, and `produce` breaks off in the middle.
    assert again - APPLICATIONS <= 4 * BATCH


def test_a_drift_agent_that_raises_in_any_step_counts_and_reports_each_application_once(
    connection: Connection, processes: Processes, tmp_path: Path
) -> None:
    stage = DriftStage(connection, tmp_path)
    stage.crown()
    stage.send(stage.records(synthetic_population.applicants(APPLICATIONS, 7)))
    windows = {"window_s": 300, "idle_s": 1, "window_idle_s": 2, "with_decisions": False}

    agent = processes.faulty("drift", OF_THE_AGENT, cache_dir=tmp_path / "cache", web_port=0, **windows)
    wait_for(partial(reported, stage, agent), START_S, "every application in a report")

    assert ends(agent) == [f"{step} {CRASHED}" for step in OF_THE_AGENT]
    reports = stage.reports()
    assert len({report.window_id for report in reports}) == len(reports)
    assert [sum(getattr(each, n) for each in reports) for n in ("n", "duplicates", "late")] == [APPLICATIONS, 0, 0]


def reported(stage: DriftStage, agent: ProcessUnderTest) -> bool:
    assert agent.alive(), agent.tail()
    return sum(report.n for report in stage.reports()) >= APPLICATIONS and len(ends(agent)) == len(OF_THE_AGENT)


@pytest.mark.parametrize(("module", "step"), [("streams", "scoring"), ("drift", "reading")])
def test_a_step_that_never_returns_while_all_answer_is_told_by_health(
    module: str, step: str, connection: Connection, processes: Processes, tmp_path: Path
) -> None:
    stage = DriftStage(connection, tmp_path)
    stage.crown()
    stage.send(stage.records(synthetic_population.applicants(100, 7)))

    hangs = Worker(processes.faulty(module, [step + HANGS], cache_dir=tmp_path / "cache", web_port=0))

    status, facts = wait_for(lambda: found if (found := hangs.health("health"))[0] == DEAD else None, START_S, "health")
    assert (status, facts["live"], facts["away"]) == (DEAD, False, {})


def ends(started: ProcessUnderTest) -> list[str]:
    """In which step each life ended, and with which status."""
    return [line.removeprefix(ENDED) for line in started.output().splitlines() if line.startswith(ENDED)]
