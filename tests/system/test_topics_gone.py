"""A topic that is deleted under a running process ends it with one line and status 2."""

from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from schemas.topics import Topic, Topics
from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime.settings import Connection
from tests.system.drift_stage import DriftStage
from tests.system.processes import Processes
from tests.system.wait import PATIENCE, wait_for
from tests.system.workers import READY_S, Applicants, Worker, start_worker

MISCONFIGURED = 2
BOUND_S = 60.0


def delete(connection: Connection, topic: Topic) -> None:
    # Held in a name: a client that is collected answers nothing any more.
    admin = AdminClient(connection.kafka())
    admin.delete_topics([topic.name])[topic.name].result()


@pytest.mark.parametrize("of", [lambda topics: topics.applications, lambda topics: topics.decisions])
def test_a_worker_whose_topic_is_deleted_ends_with_one_line(
    connection: Connection, processes: Processes, champion: RegisteredVersion, of: Callable[[Topics], Topic]
) -> None:
    topic = of(connection.topics())
    worker, applicants = start_worker(processes), Applicants(connection)

    delete(connection, topic)
    if topic == connection.topics().decisions:
        applicants.apply(range(5))
        applicants.flush()

    assert worker.process.wait(BOUND_S * PATIENCE) == MISCONFIGURED
    assert f"no topic {topic.name}" in worker.process.output().splitlines()[-1]


def test_a_drift_agent_whose_topic_of_counts_is_deleted_ends_with_one_line(
    connection: Connection, processes: Processes, tmp_path: Path
) -> None:
    DriftStage(connection, tmp_path).crown()
    agent = Worker(processes.start("drift", web_port=0, cache_dir=tmp_path / "cache"))
    wait_for(agent.is_ready, READY_S, "the agent")
    topic = connection.topics().drift_counts

    delete(connection, topic)

    assert agent.process.wait(BOUND_S * PATIENCE) == MISCONFIGURED
    assert "loanctl topics apply" in agent.process.output().splitlines()[-1]


def test_a_trainer_whose_topic_of_commands_is_deleted_ends_with_one_line(
    connection: Connection, processes: Processes, tmp_path: Path
) -> None:
    trainer = Worker(processes.start("training", web_port=0, cache_dir=tmp_path / "cache"))
    wait_for(trainer.is_ready, READY_S, "the trainer")
    topic = connection.topics().retrain_commands

    delete(connection, topic)

    assert trainer.process.wait(BOUND_S * PATIENCE) == MISCONFIGURED
    assert f"no topic {topic.name}" in trainer.process.output().splitlines()[-1]
