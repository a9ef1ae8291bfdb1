"""Neighbours that are away or not set up: the worker waits and says so, or stops with one line."""

import threading
from pathlib import Path

from loanctl.commands.cluster import topics
from loanctl.stack.local_stack import LocalStack
from scorecard.registry.registered_version import RegisteredVersion
from streams.kafka.group.duplicate_instance import DuplicateInstanceCheck
from streams.kafka.kafka_errors import BrokerAwayError, FencedError
from streams.runtime.instance_id import claim
from streams.runtime.settings import Connection
from tests.system.containers import ContainerStack
from tests.system.processes import Processes
from tests.system.wait import wait_for
from tests.system.workers import Answers, Applicants, start_worker

MISCONFIGURED = 2


def test_a_registry_that_is_away_delays_decisions_and_loses_none(
    stack: LocalStack | ContainerStack, connection: Connection, processes: Processes, champion: RegisteredVersion
) -> None:
    applicants, answers = Applicants(connection), Answers(connection)
    worker = start_worker(processes)
    stack.stop("registry")

    try:
        applicants.apply(range(30))
        applicants.flush()
        away = wait_for(lambda: worker.health()[1]["away"], 30, "the outage")
        before = answers.counts()
    finally:
        stack.start("registry")
    wait_for(lambda: len(answers.counts()) == 30, 60, "the decisions")

    assert away.keys() == {"registry"}
    assert before == {}
    assert worker.metrics()['loan_outages_total{neighbour="registry"}'] == 1
    assert set(answers.counts().values()) == {1}


def test_an_idle_worker_whose_broker_was_killed_says_so_and_answers_when_it_is_back(
    stack: LocalStack | ContainerStack, connection: Connection, processes: Processes, champion: RegisteredVersion
) -> None:
    # librdkafka's transactional producer was seen to hang for ever after just this.
    applicants, answers = Applicants(connection), Answers(connection)
    worker = start_worker(processes)
    applicants.apply(range(10))
    applicants.flush()
    wait_for(lambda: len(answers.counts()) == 10, 30, "the decisions before")
    answers.await_commits()
    stack.kill("kafka")

    try:
        away = wait_for(lambda: worker.health()[1]["away"], 30, "the outage")
        status, _ = worker.health()
    finally:
        stack.start("kafka")
    applicants.apply(range(10, 20))
    applicants.flush()
    wait_for(lambda: len(answers.counts()) == 20, 60, "the decisions after")

    assert away.keys() == {"broker"}
    assert status == 503
    assert set(answers.counts().values()) == {1}
    assert worker.process.stop() == 0


def test_a_member_fenced_by_its_brokers_restart_may_join_again(
    stack: LocalStack | ContainerStack, connection: Connection, tmp_path: Path
) -> None:
    # An admin client that asked a coordinator before never receives an answer of it after the restart (librdkafka).
    duplicates = DuplicateInstanceCheck(connection, "restarted", claim(tmp_path, "restarted", "one"))
    wait_for(lambda: answers(duplicates), 30, "a coordinator")

    stack.stop("kafka")
    stack.start("kafka")
    duplicates.doubt(FencedError())

    wait_for(lambda: answers(duplicates), 30, "its answer after the restart")


def answers(duplicates: DuplicateInstanceCheck) -> bool:
    """Whether the coordinator says that nobody has the name."""
    try:
        duplicates.require_none(threading.Event())
    except BrokerAwayError:
        return False
    return True


def test_missing_topics_stop_the_worker_with_one_line_that_names_them(processes: Processes) -> None:
    worker = start_worker(processes, ready=False, topic_prefix="nowhere")

    status = worker.process.wait(60)
    line = worker.process.output().splitlines()[-1]

    assert status == MISCONFIGURED
    assert line.startswith("scoring worker: no topic nowhere.applications.v1, ")
    assert "loanctl topics apply" in line
    assert "Traceback" not in worker.process.output()


def test_unregistered_schemas_stop_the_worker_with_one_line(connection: Connection, processes: Processes) -> None:
    unregistered = topics.TopicSettings(**{**connection.model_dump(), "topic_prefix": f"{connection.topic_prefix}u"})
    topics.apply(unregistered)
    worker = start_worker(processes, ready=False, topic_prefix=unregistered.topic_prefix)

    status = worker.process.wait(60)

    assert status == MISCONFIGURED
    assert "loanctl schemas register" in worker.process.output().splitlines()[-1]


def test_wrong_settings_are_all_told_in_one_line(processes: Processes) -> None:
    worker = start_worker(processes, ready=False, delivery="twice", batch_records=0)

    status = worker.process.wait(60)
    line = worker.process.output().splitlines()[-1]

    assert status == MISCONFIGURED
    assert "LOAN_DELIVERY" in line
    assert "LOAN_BATCH_RECORDS" in line


def test_without_a_broker_the_worker_waits_and_leaves_when_told(processes: Processes) -> None:
    worker = start_worker(processes, ready=False, bootstrap_servers="127.0.0.1:1")
    wait_for(lambda: "broker" in worker.health()[1].get("away", {}), 60, "the outage")

    status, _ = worker.health()

    assert status == 503
    assert worker.process.stop() == 0
    assert len(worker.process.output().splitlines()) < 30, "what the client says of a broker away is limited"
