"""Right by right: who lacks one of its rights on the broker ends with one line that names what it lacks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
)

from loanctl.commands.cluster import acls, schemas, topics
from schemas.access import AccessRight, KafkaPrincipal, Operation, Resource, rights
from schemas.topics import Topics
from streams.runtime.settings import Connection
from tests.system.processes import Processes, Started
from tests.system.scorecards import Champions
from tests.system.secured_broker import ADMINISTRATOR, SecuredBroker, secured_broker
from tests.system.waiting import wait_for
from tests.system.workers import READY_S, Answers, Applicants, start_worker

MODULES = {
    KafkaPrincipal.WORKER: "streams",
    KafkaPrincipal.DRIFT_AGENT: "drift",
    KafkaPrincipal.TRAINER: "training",
    KafkaPrincipal.LEDGER: "ledger",
    KafkaPrincipal.GATEWAY: "gateway",
}
MISCONFIGURED = 2
WITHIN_S = 90.0


@dataclass
class Rights:
    """The rights on one broker, any of which can be taken away and given back."""

    connection: Connection

    def __post_init__(self) -> None:
        self._admin = AdminClient(self.connection.kafka())

    def give(self, wanted: tuple[AccessRight, ...]) -> None:
        acls.grant(self.connection, wanted, acls.user_names(()))

    def take(self, right: AccessRight) -> None:
        pattern = ResourcePatternType.PREFIXED if right.prefix else ResourcePatternType.LITERAL
        operation, user = AclOperation[right.operation.name], f"User:{right.principal.value}"
        one = AclBindingFilter(
            acls.RESOURCES[right.resource], right.name, pattern, user, "*", operation, AclPermissionType.ALLOW
        )
        [future] = self._admin.delete_acls([one]).values()
        assert len(future.result(30)) == 1, right


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    with secured_broker(tmp_path_factory.mktemp("rights")) as running:
        yield running


@dataclass
class Stage:
    """Topics, rights and two scorecards on the broker, the first of which decides."""

    connection: Connection
    rights: Rights
    everyone: tuple[AccessRight, ...]
    load: Applicants

    def of(self, principal: KafkaPrincipal) -> list[AccessRight]:
        return [right for right in self.everyone if right.principal is principal]

    def wrong_without(self, right: AccessRight, found: Callable[[], list[str]]) -> list[str]:
        """What is found while the right is missing."""
        self.rights.take(right)
        try:
            return found()
        finally:
            self.rights.give((right,))


@pytest.fixture
def stage(broker: SecuredBroker, connection: Connection, tmp_path: Path) -> Stage:
    given = {**connection.model_dump(), **broker.settings(ADMINISTRATOR)}
    own = Connection(**given)
    topics.apply(topics.TopicSettings(**given, partitions=2))
    schemas.register(own)
    everyone = rights(own.topics())
    granted = Rights(own)
    granted.give(everyone)
    champions = Champions(own, tmp_path / "models")
    champions.promote(champions.register())
    champions.register(2.0)
    return Stage(own, granted, everyone, Applicants(own))


@pytest.mark.chaos
@pytest.mark.timeout(1_800)  # up to twenty rights, each a process of its own
@pytest.mark.parametrize("principal", MODULES)
def test_a_process_with_one_right_less_ends_with_a_line_that_names_it(
    principal: KafkaPrincipal, broker: SecuredBroker, stage: Stage, processes: Processes, tmp_path: Path
) -> None:
    def found(right: AccessRight) -> list[str]:
        process = _start(processes, principal, broker, tmp_path)
        return _wrong(process, right, lambda: _send(stage.load))

    silent = [line for right in stage.of(principal) for line in stage.wrong_without(right, partial(found, right))]

    assert not silent, "\n".join(silent)


@pytest.mark.chaos
@pytest.mark.timeout(900)  # a command for each right
@pytest.mark.parametrize("principal", [KafkaPrincipal.UPSTREAM, KafkaPrincipal.DOWNSTREAM])
def test_a_command_of_a_person_with_one_right_less_ends_with_a_line_that_names_it(
    principal: KafkaPrincipal, broker: SecuredBroker, stage: Stage, processes: Processes
) -> None:
    worker = start_worker(processes, **broker.settings(KafkaPrincipal.WORKER.value))
    _send(stage.load)
    wait_for(Answers(stage.connection).dead_letters, READY_S, "a dead letter")
    assert worker.process.stop() == 0
    commands = COMMANDS_OF[principal](stage.connection.topics())

    def found(right: AccessRight) -> list[str]:
        command = commands[right.name, right.operation]
        ran = processes.loanctl(*command, timeout_s=WITHIN_S, **broker.settings(principal.value))
        said = ran.err.strip().splitlines()
        clear = len(said) == 1 and right.name in said[0]
        return [] if ran.status == MISCONFIGURED and clear else [f"{command}: status {ran.status}, {said} {ran.out}"]

    wanted = [right for right in stage.of(principal) if (right.name, right.operation) in commands]
    silent = [line for right in wanted for line in stage.wrong_without(right, partial(found, right))]

    assert not silent, "\n".join(silent)
    assert len(wanted) == len(commands)


Commands = Mapping[tuple[str, Operation], tuple[str, ...]]


def _of_upstream(topics: Topics) -> Commands:
    """What plays upstream."""
    play = ("play", "--all-outcomes", "--rows", "20")
    return {(topic.name, Operation.WRITE): play for topic in (topics.applications, topics.outcomes)}


def _of_downstream(topics: Topics) -> Commands:
    """Systems of others read the reviews, in groups of their own."""
    return {(topics.decisions.name, Operation.READ): ("tail",)}


COMMANDS_OF: Mapping[KafkaPrincipal, Callable[[Topics], Commands]] = {
    KafkaPrincipal.UPSTREAM: _of_upstream,
    KafkaPrincipal.DOWNSTREAM: _of_downstream,
}


def _start(processes: Processes, principal: KafkaPrincipal, broker: SecuredBroker, folder: Path) -> Started:
    ports = dict.fromkeys(("web_port", "drift_port", "trainer_port", "ledger_port", "gateway_port"), 0)
    return processes.start(
        MODULES[principal],
        **ports,
        cache_dir=folder / f"{principal.value}-cache",
        ledger_url=f"sqlite:///{folder / 'ledger.db'}",
        **broker.settings(principal.value),
    )


def _send(load: Applicants) -> None:
    load.apply(range(len(load.sent), len(load.sent) + 5))
    load.send(b"rubbish", b"{}")
    load.acknowledged()


def _wrong(process: Started, right: AccessRight, send: Callable[[], None]) -> list[str]:
    send()
    try:
        wait_for(lambda: not process.alive(), WITHIN_S, "the end")
    except AssertionError:
        process.stop()
        return [f"{right}: goes on: {process.tail()}"]
    status = process.wait(1)
    said = process.output().strip().splitlines()[-1]
    if status != MISCONFIGURED or right.name not in said:
        return [f"{right}: status {status}, {said}"]
    return []


def test_every_kind_of_right_is_tried() -> None:
    tried = {right.resource for right in rights(Connection().topics()) if right.principal in MODULES}

    assert tried == set(Resource)
