"""The embedded stack and the commands around it, against what they really start."""

import json
import os
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from loanctl.commands.cluster import schemas, topics
from loanctl.commands.cluster.schemas import IncompatibleError
from loanctl.commands.cluster.topics import TopicSettings
from loanctl.stack import stack_state
from loanctl.stack.local_stack import LocalStack
from loanctl.stack.processes import RunningProcess
from streams.runtime.settings import Connection
from tests.system.commands import CompletedCommand, run_command
from tests.system.processes import Processes
from tests.system.topic_records import read_topic
from tests.system.wait import wait_for

COMMAND = Path(sys.executable).with_name("loanctl")
"""Beside the interpreter that runs the tests."""


def send(connection: Connection, topic: str, value: bytes) -> None:
    producer = Producer({**connection.kafka(), "acks": "all"})
    producer.produce(topic, value)
    assert producer.flush(30) == 0


def settings_of(connection: Connection, **changed: object) -> TopicSettings:
    return TopicSettings(**{**connection.model_dump(), **changed})


def test_applying_topics_twice_changes_nothing_the_second_time(connect: Callable[[str], Connection]) -> None:
    connection = connect(f"t{uuid.uuid4().hex[:8]}")

    first = topics.apply(settings_of(connection))
    second = topics.apply(settings_of(connection))

    assert {applied.changes for applied in first} == {("created",)}
    assert {applied.changes for applied in second} == {()}


def test_topics_are_widened_and_never_narrowed(connection: Connection) -> None:
    wider = topics.apply(settings_of(connection, partitions=6))
    again = topics.apply(settings_of(connection, partitions=2))

    assert wider[0].changes == ("widened from 4",)
    assert again[0].partitions == 6
    assert again[0].changes == ()


def test_a_changed_retention_is_put_right(connection: Connection) -> None:
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

    topic = connection.topics().applications.name
    entry = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient(connection.kafka())
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(30)

    applied = topics.apply(settings_of(connection))

    assert applied[0].changes == (f"retention.ms set to {30 * 24 * 3600 * 1000}",)


def test_registering_schemas_twice_gives_the_same_ids(connection: Connection) -> None:
    assert schemas.register(connection) == schemas.register(connection)


def test_registered_schemas_pass_the_check(connection: Connection) -> None:
    checked = schemas.check(connection)

    assert all(not each.wrong for each in checked)
    assert {each.found for each in checked} == {"compatible with 1 version"}


def test_a_new_required_field_fails_the_check_and_names_subject_and_field(
    connection: Connection, tmp_path: Path
) -> None:
    contract = connection.contract()
    grown = {**contract.schema, "fields": [*contract.schema["fields"], a_required_feature("shoe_size")]}
    (tmp_path / "grown.avsc").write_text(json.dumps(grown))
    other = connection.model_copy(update={"product": str(tmp_path / "grown.avsc")})
    other.__dict__.pop("_contract", None)

    wrong = [each for each in schemas.check(other) if each.wrong]

    assert [each.subject for each in wrong] == [f"{connection.topics().applications.name}-value"]
    assert "shoe_size is added without a default" in wrong[0].wrong
    with pytest.raises(IncompatibleError, match="shoe_size"):
        schemas.register(other)


def test_what_was_acknowledged_survives_a_killed_broker(stack: LocalStack, connection: Connection) -> None:
    topic = connection.topics().applications.name
    send(connection, topic, b"before")

    stack.kill("kafka")
    stack.start("kafka")
    send(connection, topic, b"after")

    assert {message.value() for message in read_topic(connection, topic)} == {b"before", b"after"}


def test_a_restarted_registry_still_knows_the_schemas(stack: LocalStack, connection: Connection) -> None:
    before = schemas.register(connection)

    stack.stop("registry")
    stack.start("registry")

    assert schemas.register(connection) == before


def test_a_command_without_a_broker_says_so_in_one_line(processes: Processes) -> None:
    ran = processes.loanctl("topics", "apply", bootstrap_servers="127.0.0.1:1")

    assert ran.status == 2
    assert ran.err.startswith("loanctl: no Kafka broker answers (127.0.0.1:1)")
    assert "Traceback" not in ran.err


def own_environment() -> dict[str, str]:
    """Variables of a person who has set nothing."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("LOAN_") or name == "LOAN_CACHE_DIR"
    }


def up(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """`loanctl up` as a process, which ends before what it has started."""
    argv = (COMMAND, "up", *options)
    return subprocess.run(
        argv, cwd=folder, env=own_environment(), capture_output=True, text=True, timeout=240, check=False
    )


def loanctl(folder: Path, *arguments: str) -> CompletedCommand:
    """A command that starts nothing, in this process."""
    return run_command(arguments, own_environment(), folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    yield tmp_path  # type: ignore[misc]  # a generator fixture
    loanctl(tmp_path, "down")


def test_up_status_and_down_are_a_life_and_a_second_up_tells_of_the_first(folder: Path) -> None:
    first = up(folder)
    again = loanctl(folder, "up")
    status = loanctl(folder, "status")
    applied = loanctl(folder, "topics", "apply")
    found = stack_state.read(folder / ".loan")
    assert found is not None
    with urllib.request.urlopen(f"http://127.0.0.1:{found.ports['gateway'][0]}/desk/live", timeout=30) as answer:
        desk = answer.read().decode()
    down = loanctl(folder, "down")
    after = loanctl(folder, "status")

    assert first.returncode == again.status == status.status == applied.status == down.status == 0
    assert "is up already" in again.err
    assert again.out == first.stdout
    assert "LOAN_BOOTSTRAP_SERVERS=127.0.0.1:" in first.stdout
    assert "loan.applications.v1: 4 partitions, as it should be" in applied.out
    assert f"The desk: http://127.0.0.1:{found.ports['gateway'][0]}/desk" in first.stderr
    assert "<h1>Live</h1>" in desk
    assert down.out == "stopped registry, kafka, ledger, gateway\n"
    assert after.status == 1


def test_up_mends_what_a_crash_left_on_the_same_ports_with_the_same_data(folder: Path) -> None:
    first = up(folder, "--no-desk")
    loanctl(folder, "topics", "apply")
    found = stack_state.read(folder / ".loan")
    assert found is not None
    next(process for process in found.running if process.name == "kafka").kill()

    status = loanctl(folder, "status")
    second = up(folder, "--no-desk")
    applied = loanctl(folder, "topics", "apply")

    assert status.status == 1
    assert second.stdout == first.stdout
    assert "loan.applications.v1: 4 partitions, as it should be" in applied.out


def test_a_state_file_of_processes_long_gone_does_not_hinder_a_start(folder: Path) -> None:
    up(folder, "--no-desk")
    loanctl(folder, "down")
    found = stack_state.read(folder / ".loan")
    assert found is not None
    # The id lives, as ids do that were given again; the process of that birth does not.
    stale = replace(found, running=(RunningProcess("kafka", os.getpid(), "1", ""),))
    stack_state.write(folder / ".loan", stale)

    assert loanctl(folder, "down").out == "nothing was up\n"
    assert up(folder, "--no-desk").returncode == 0


@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_foreground_stack_leaves_nothing_behind(folder: Path, signal_name: str) -> None:
    import signal

    with (folder / "up.log").open("w") as log:
        argv = (COMMAND, "up", "--foreground", "--no-desk")
        command = subprocess.Popen(argv, cwd=folder, env=own_environment(), stdout=log, stderr=log)
    wait_for(lambda: "Ctrl-C stops it" in (folder / "up.log").read_text(), 120)
    found = stack_state.read(folder / ".loan")
    assert found is not None
    assert found.up()

    command.send_signal(getattr(signal, signal_name))
    command.wait(30)

    wait_for(lambda: not any(process.alive() for process in found.running), 30, "every process gone")


def test_a_broker_that_settings_name_is_used_and_not_started(stack: LocalStack, folder: Path) -> None:
    (folder / ".env").write_text(f"LOAN_BOOTSTRAP_SERVERS={stack.endpoints.bootstrap_servers}\n")

    started = up(folder, "--no-desk")
    found = stack_state.read(folder / ".loan")

    assert found is not None
    assert [process.name for process in found.running] == ["registry"]
    assert f"LOAN_BOOTSTRAP_SERVERS={stack.endpoints.bootstrap_servers}" in started.stdout


def a_required_feature(name: str) -> dict[str, object]:
    return {
        "name": name,
        "type": "double",
        "role": "feature",
        "column": name,
        "range": [0, 100],
        "reason": {"code": "OTHER", "text": "Other"},
        "doc": "Not in the released schema.",
    }
