"""A name is of one living process: the second to come leaves, or stands by, and the first is not disturbed."""

import json
from typing import Any

import pytest

from streams.runtime.settings import Connection
from tests.system.processes import Processes, ProcessUnderTest
from tests.system.test_worker_crashes import apply_steadily
from tests.system.wait import wait_for
from tests.system.workers import Answers, Applicants, start_worker

pytestmark = pytest.mark.usefixtures("champion")
MISCONFIGURED = 2
START_S = 120.0
NAMES = {"streams": "instance_id", "drift": "drift_instance_id", "training": "trainer_instance_id"}


def a_process(processes: Processes, module: str, cache: str, **settings: Any) -> ProcessUnderTest:
    own = {"web_port": 0, "cache_dir": processes.folder / cache, NAMES[module]: "one", **settings}
    return processes.start(module, **own)


def joined(process: ProcessUnderTest) -> bool:
    assert process.alive(), process.tail()
    return "partitions.assigned" in process.output()


@pytest.mark.parametrize("module", ["streams", "drift", "training"])
def test_the_second_under_a_name_leaves_with_one_line_and_the_first_stays(module: str, processes: Processes) -> None:
    first = a_process(processes, module, "a")
    wait_for(lambda: joined(first), START_S, "the first")

    second = a_process(processes, module, "b")

    assert second.wait(START_S) == MISCONFIGURED
    assert "has the instance id 'one' in group" in second.output().splitlines()[-1]
    assert "Traceback" not in second.output()
    assert "partitions.assigned" not in second.output()
    assert "fenced" not in first.output().lower()
    assert "session.lost" not in first.output()
    assert first.stop() == 0


def test_of_two_that_start_at_once_under_a_name_one_leaves_with_one_line_and_the_other_works(
    connection: Connection, processes: Processes
) -> None:
    workers = [a_process(processes, "streams", cache, delivery="at_least_once") for cache in "ab"]
    agents = [a_process(processes, "drift", cache) for cache in "ab"]
    applicants, answers = Applicants(connection), Answers(connection)

    with apply_steadily(applicants):
        for twins in (workers, agents):
            wait_for(lambda of=twins: not all(each.alive() for each in of), START_S, "one to leave")

    for twins in (workers, agents):
        [left] = [each for each in twins if not each.alive()]
        assert left.popen.returncode == MISCONFIGURED
        assert "has the instance id 'one' in group" in left.output().splitlines()[-1]
    wait_for(lambda: len(answers.counts()) == len(applicants.sent), START_S, "all decisions")
    assert all(sum(each.alive() for each in twins) == 1 for twins in (workers, agents))


def test_a_standby_takes_over_where_the_first_is_killed(connection: Connection, processes: Processes) -> None:
    applicants, answers = Applicants(connection), Answers(connection)
    first = start_worker(processes, instance_id="one", cache_dir=processes.folder / "a")
    second = a_process(processes, "streams", "b", standby="true")
    wait_for(lambda: "namesake.awaited" in second.output(), START_S, "the standby")
    applicants.apply(range(10))
    applicants.flush()
    wait_for(lambda: len(answers.counts()) == 10, START_S, "the first's decisions")

    first.process.kill()
    applicants.apply(range(10, 20))
    applicants.flush()

    wait_for(lambda: len(answers.counts()) == 20, START_S, "the standby's decisions")
    assert set(answers.counts().values()) == {1}


def test_a_killed_worker_s_successor_has_its_name_and_waits_for_nobody(
    connection: Connection, processes: Processes
) -> None:
    first = start_worker(processes)
    first.process.kill()

    second = start_worker(processes)

    assert second.health()[1]["instance"] == first_name(first.process.output())
    assert "namesake.awaited" not in second.process.output()


def first_name(output: str) -> str:
    lines = [json.loads(line) for line in output.splitlines() if '"instance.claimed"' in line]
    return str(lines[0]["instance"])
