"""Three brokers killed in turn under load: each application decided once, each window told once."""

import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from loanctl.commands.cluster import schemas, topics
from loanctl.simulation import synthetic_population
from loanctl.stack.process_guard import ProcessGuard
from streams.runtime import settings as connections
from streams.runtime.settings import Connection
from tests.system.drift_stage import DriftStage
from tests.system.processes import Processes, pause
from tests.system.three_brokers import BROKERS, Cluster, three_brokers
from tests.system.waiting import wait_for
from tests.system.workers import Answers, start_worker

ROUNDS = 7
"""How often each broker is killed in the long form, which takes over five minutes."""
BLOCK, DOWN_S = 600, 8.0
RECOVERY_S = 180.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with three_brokers(tmp_path / "cluster") as running:
        yield running


@pytest.fixture
def connection(cluster: Cluster, mlflow_uri: str) -> Connection:
    """Topics of the test's own on the three brokers, replicated."""
    made = Connection(
        topic_prefix=f"t{uuid.uuid4().hex[:8]}",
        bootstrap_servers=cluster.bootstrap_servers,
        registry_url=cluster.registry.url,
        mlflow_uri=mlflow_uri,
    )
    topics.apply(topics.TopicSettings(**{**made.model_dump(), "replication_factor": BROKERS}))
    schemas.register(made)
    return made


@pytest.mark.parametrize("rounds", [1, pytest.param(ROUNDS, marks=pytest.mark.chaos, id="chaos")])
@pytest.mark.timeout(3_600)  # three brokers and four processes of ours start, and each killed broker is waited for
def test_brokers_killed_in_turn_leave_one_decision_an_application_and_one_report_a_window(
    cluster: Cluster, connection: Connection, tmp_path: Path, rounds: int
) -> None:
    environment = {**connections.environment(connection), "OMP_NUM_THREADS": "1"}
    stage = DriftStage(connection, tmp_path)
    stage.crown()
    sent: list[str] = []

    def applied(seed: int) -> None:
        records = stage.records(synthetic_population.applicants(BLOCK, seed))
        stage.send(records)
        sent.extend((record.key or b"").decode() for record in records)

    with ProcessGuard() as guard:
        group = Processes(tmp_path, environment, guard)
        told = {"cache_dir": tmp_path / "cache", "web_port": 0}
        workers = [start_worker(group), start_worker(group)]
        agents = [group.start("drift", **told, window_s=3600, with_decisions=False, name=f"drift-{n}") for n in "ab"]
        try:
            for kill in range(rounds * BROKERS):
                applied(kill)
                cluster.kill(kill % BROKERS)
                applied(100 + kill)
                pause(DOWN_S)
                cluster.start(kill % BROKERS)
            applied(999)
            answers = Answers(connection)
            wait_for(lambda: set(answers.counted()) >= set(sent), RECOVERY_S, "a decision for each application")
            # The last window is open: nothing signed later has come.
            closed = len(sent) // 1_200 - 1
            wait_for(lambda: len(stage.reports()) >= closed, RECOVERY_S, "the windows' reports")
            counted, reports = answers.counted(), stage.reports()
            states = [each.alive() for each in (*(worker.process for worker in workers), *agents)]
        finally:
            group.end()
    print(f"{len(sent)} applications, {sum(counted.values())} decisions, {len(reports)} reports")  # noqa: T201 - by hand

    assert states == [True] * 4
    assert Counter(counted.values()) == {1: len(sent)}
    assert max(Counter(report.window_id for report in reports).values()) == 1
    full = reports[1:closed]
    assert {report.n for report in full} == {1_200}
    assert {report.late + report.duplicates for report in reports} == {0}
