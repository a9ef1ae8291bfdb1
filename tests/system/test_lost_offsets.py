"""A group that loses its place on a topic: told, counted, and no record that still exists is passed over."""

from collections.abc import Callable

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from loanctl.commands.cluster import topics
from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime.settings import Connection
from tests.system.processes import Processes
from tests.system.wait import wait_for
from tests.system.workers import Answers, Applicants, Worker, start_worker

SENT, WAITING, LATER = 40, 60, 5


@pytest.fixture
def stage(connection: Connection, champion: RegisteredVersion) -> tuple[Applicants, Answers, AdminClient]:
    return Applicants(connection), Answers(connection), AdminClient(connection.kafka())


def decide_and_stop(processes: Processes, applicants: Applicants, answers: Answers) -> None:
    """Forty applications are decided, and the worker is stopped."""
    worker = start_worker(processes)
    applicants.apply(range(SENT))
    applicants.flush()
    wait_for(lambda: len(answers.counts()) == SENT, 60, "the decisions before")
    assert worker.process.stop() == 0


def losses(worker: Worker, cause: str) -> tuple[float, float]:
    """Partitions in which the place was lost, and the offsets concerned."""
    found = worker.metrics()
    kinds = ("losses", "loss_records")
    partitions, offsets = (found[f'loan_offset_{kind}_total{{cause="{cause}"}}'] for kind in kinds)
    return partitions, offsets


def restart(processes: Processes, applicants: Applicants, answers: Answers) -> Worker:
    """A worker that goes on: what is sent to it then is decided."""
    worker = start_worker(processes)
    applicants.apply(range(1_000, 1_000 + LATER))
    applicants.flush()
    wait_for(lambda: set(answers.counts()) >= set(applicants.sent[-LATER:]), 60, "the decisions after")
    return worker


def test_records_that_expire_before_they_are_read_are_counted(
    processes: Processes, connection: Connection, stage: tuple[Applicants, Answers, AdminClient]
) -> None:
    applicants, answers, admin = stage
    decide_and_stop(processes, applicants, answers)
    applicants.apply(range(SENT, SENT + WAITING))
    applicants.flush()
    topic, partitions = applicants.topic, range(4)
    for future in admin.delete_records([TopicPartition(topic, partition, -1) for partition in partitions]).values():
        future.result()

    worker = restart(processes, applicants, answers)

    assert losses(worker, "retention")[1] == WAITING
    assert losses(worker, "expiry") == losses(worker, "truncation") == (0, 0)
    assert len(answers.counts()) == SENT + LATER
    assert '"offsets.lost"' in worker.process.output()


def test_offsets_that_expired_lead_to_the_same_decisions_again_or_to_a_stop_for_a_person(
    processes: Processes, connection: Connection, stage: tuple[Applicants, Answers, AdminClient]
) -> None:
    applicants, answers, admin = stage
    decide_and_stop(processes, applicants, answers)
    group = f"{applicants.topic}.scoring"

    def emptied() -> bool:
        # A static member is of its group until its session ends.
        return admin.delete_consumer_groups([group])[group].exception() is None

    wait_for(emptied, 60, "an empty group")

    stopped = start_worker(processes, ready=False, on_lost_offsets="stop")
    status, line = stopped.process.wait(120), stopped.process.output().splitlines()[-1]
    before = len(answers.records())
    worker = restart(processes, applicants, answers)
    wait_for(lambda: len(answers.records()) == 2 * SENT + LATER, 60, "all of the log once more")

    assert status == 2
    assert "lost its place" in line
    assert "--reset-offsets" in line
    assert before == SENT, "a worker that stops decides nothing"
    assert losses(worker, "expiry") == (4, SENT)
    by_key = {record.key(): record.value() for record in answers.records()}
    assert {record.value() for record in answers.records()} == set(by_key.values()), "the same bytes"


def test_a_topic_made_anew_is_read_from_its_beginning(
    processes: Processes,
    connection: Connection,
    connect: Callable[[str], Connection],
    stage: tuple[Applicants, Answers, AdminClient],
) -> None:
    applicants, answers, admin = stage
    decide_and_stop(processes, applicants, answers)
    admin.delete_topics([applicants.topic])[applicants.topic].result()
    wait_for(lambda: applicants.topic not in admin.list_topics(timeout=10).topics, 30, "the topic to be gone")
    topics.apply(topics.TopicSettings(**connection.model_dump()))
    again = Applicants(connection)
    again.apply(range(500, 500 + LATER))
    again.flush()

    worker = start_worker(processes)
    wait_for(lambda: set(answers.counts()) >= set(again.sent), 60, "the decisions of the new topic")

    # With a topic the broker deletes what groups have committed of it.
    assert losses(worker, "expiry") == (4, LATER)
    assert set(answers.counts().values()) == {1}


def test_a_committed_offset_behind_the_end_of_the_log_leads_to_its_beginning(
    processes: Processes, connection: Connection, stage: tuple[Applicants, Answers, AdminClient]
) -> None:
    applicants, answers, admin = stage
    decide_and_stop(processes, applicants, answers)
    group, beyond = f"{applicants.topic}.scoring", [TopicPartition(applicants.topic, 0, 10_000)]

    def moved() -> bool:
        # Offsets of a group can be set once its static member's session has ended.
        asked = admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, beyond)])
        done = asked[group]
        # A refusal is told of each partition, while the call as a whole succeeds.
        return done.exception() is None and all(each.error is None for each in done.result().topic_partitions)

    wait_for(moved, 60, "an offset behind the end")
    worker = start_worker(processes)
    wait_for(lambda: losses(worker, "truncation")[0] == 1, 60, "the truncation counted")
    held = losses(worker, "truncation")[1]
    wait_for(lambda: len(answers.records()) == SENT + held, 60, "that partition once more")

    assert losses(worker, "truncation")[0] == 1
    assert 0 < held < SENT
