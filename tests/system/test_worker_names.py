"""Workers that are killed and come back under other names, as pods of a Deployment do: slower, and never wrong."""

import itertools
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from streams.runtime.settings import Connection
from tests.system.processes import Processes, pause
from tests.system.scorecards import Champions
from tests.system.test_worker_crashes import applying
from tests.system.waiting import wait_for
from tests.system.workers import Answers, Applicants, Worker, start_worker

KILLS = int(os.environ.get("KILLS", "6"))
RATE = int(os.environ.get("RATE", "200"))
RECOVERY_S = 180.0
"""The successor waits for the dead worker's session and for its open transaction, one after the other."""


@pytest.mark.timeout(1_800)  # each kill costs a session and, in the worst case, a transaction's time-out
@pytest.mark.parametrize("kills", [1, pytest.param(KILLS, marks=pytest.mark.chaos, id="chaos")])
@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_a_killed_worker_s_successor_may_have_another_name(
    connection: Connection, processes: Processes, tmp_path: Path, delivery: str, kills: int
) -> None:
    champions = Champions(connection, tmp_path / "models")
    champions.promote(champions.register())
    applicants, answers = Applicants(connection), Answers(connection)
    names, chance = itertools.count(), random.Random(11)

    def another(*, ready: bool) -> Worker:
        return start_worker(processes, ready=ready, delivery=delivery, instance_id=f"pod-{next(names)}")

    workers = [another(ready=True), another(ready=True)]

    with applying(applicants, RATE):
        for kill in range(kills):
            pause(chance.uniform(0.5, 2.0))
            workers[kill % 2].process.kill()
            workers[kill % 2] = another(ready=False)
            wait_for(workers[kill % 2].is_ready, RECOVERY_S, "the successor")

    wait_for(lambda: set(answers.counted()) >= set(applicants.sent), RECOVERY_S, "a decision for each application")
    counted, values = answers.counted(), Counter(record.value() for record in answers.records())
    print(f"{delivery}: {len(applicants.sent)} applications, {sum(counted.values())} decisions, {kills} kills")  # noqa: T201 - the figures of a run by hand

    assert counted.keys() == set(applicants.sent)
    assert len(values) == len(counted), "what appears again has the same bytes"
    if delivery == "exactly_once":
        assert set(counted.values()) == {1}
    else:
        assert sum(counted.values()) - len(counted) <= kills * 2 * 1_000, "a crash repeats what was in flight, no more"
    assert "offsets.lost" not in "".join(worker.process.output() for worker in workers)
    assert [worker.process.stop() for worker in workers] == [0, 0]
