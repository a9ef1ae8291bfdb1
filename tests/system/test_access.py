"""Least rights: each process does its work on a broker that denies by default, with the rights of the table alone."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loanctl.commands.cluster import acls, schemas, topics
from schemas.access import rights
from streams.runtime.settings import Connection
from tests.doubles.token_endpoint import TokenEndpoint, token_endpoint
from tests.system.conftest import Ran
from tests.system.processes import Processes
from tests.system.scorecards import Champions
from tests.system.secured_broker import ADMINISTRATOR, SecuredBroker, secured_broker
from tests.system.waiting import wait_for
from tests.system.workers import READY_S, Answers, Applicants, Worker, start_worker

MISCONFIGURED = 2


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    with secured_broker(tmp_path_factory.mktemp("secured")) as running:
        yield running


@pytest.fixture
def provider() -> Iterator[TokenEndpoint]:
    with token_endpoint() as running:
        yield running


@pytest.fixture
def administrator(broker: SecuredBroker, connection: Connection) -> Connection:
    """The administrator's connection; topics, schemas and rights are as they should be."""
    given = {**connection.model_dump(), **broker.settings(ADMINISTRATOR)}
    own = Connection(**given)
    topics.apply(topics.TopicSettings(**given, partitions=2))
    schemas.register(own)
    wanted = rights(own.topics())
    acls.grant(own, wanted, acls.user_names(()))
    return own


def test_every_process_works_with_the_least_rights(
    broker: SecuredBroker,
    provider: TokenEndpoint,
    administrator: Connection,
    processes: Processes,
    tmp_path: Path,
    loanctl: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    champions = Champions(administrator, tmp_path / "models")
    champions.promote(champions.register())

    # By a token of an OpenID provider, as librdkafka's clients and Faust's own each ask for one.
    worker = start_worker(processes, **broker.token_settings("worker", provider.url))
    for module, user in (("drift", "drift-agent"), ("training", "trainer")):
        process = Worker(processes.start(module, web_port=0, cache_dir=tmp_path / user, **broker.settings(user)))
        wait_for(process.is_ready, READY_S, f"the {user}")
    applicants = Applicants(administrator)
    applicants.apply(range(50))
    applicants.acknowledged()

    answers = Answers(administrator)
    wait_for(lambda: len(answers.decisions()) >= 50, 60, "a decision for each")
    applicants.send(b"rubbish", b"{}")
    applicants.acknowledged()
    wait_for(answers.dead_letters, 60, "the dead letter")
    for name, value in broker.settings("operator").items():
        monkeypatch.setenv(f"LOAN_{name.upper()}", value)
    status, told, faults = loanctl("dlq", "redrive", "--send", "--force", "--json")
    assert (status, json.loads(told)["sent"]) == (0, 1), faults
    assert set(provider.asked) == {"worker"}
    assert "worker-secret" not in worker.process.output()
    assert worker.process.stop() == 0


def test_a_client_certificate_is_its_user_on_the_broker_and_on_the_audit_log(
    broker: SecuredBroker,
    administrator: Connection,
    loanctl: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def as_user(name: str, *command: str) -> Ran:
        for variable, value in broker.certificate_settings(name).items():
            monkeypatch.setenv(f"LOAN_{variable.upper()}", value)
        return loanctl(*command)

    acknowledged = as_user("operator", "drift", "acknowledge", "--why", "a campaign")
    told = as_user("operator", "audit", "log", "--json")
    status, _, fault = as_user("stranger", "dlq", "list")

    assert acknowledged[0] == 0, acknowledged
    assert [json.loads(line)["actor"] for line in told[1].splitlines()] == ["operator"]
    assert (status, len(fault.strip().splitlines())) == (MISCONFIGURED, 1), fault
    assert f"let us read {administrator.topics().applications.name};" in fault


def test_a_wrong_password_is_one_line_and_exit_status_2(
    broker: SecuredBroker, administrator: Connection, processes: Processes
) -> None:
    wrong = {**broker.settings("worker"), "kafka_sasl_password": "not-the-password"}

    worker = start_worker(processes, ready=False, **wrong)

    assert worker.process.wait(READY_S) == MISCONFIGURED
    assert "refuses our user name, password or certificate" in worker.process.output()
    assert "not-the-password" not in worker.process.output()
