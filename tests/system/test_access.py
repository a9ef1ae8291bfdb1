"""Least rights: each process does its work on a broker that denies by default, with the rights of the table alone.

Without one of them a command of a person ends with one line; processes: `tests/system/test_missing_rights.py`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import Message, Producer
from cryptography.hazmat.primitives.serialization import Encoding

from loanctl.commands.cluster import acls, schemas, topics
from schemas.access import AccessRight, KafkaPrincipal, Operation, rights
from schemas.errors import OutageError, SetupError
from schemas.topics import Topics, redrive_id
from scorecard.decisions.dead_letter_office import CONNECT
from streams.kafka.admin import require_topics
from streams.runtime.settings import Connection
from tests.doubles.certificates import DAY, Issuer, subject
from tests.doubles.token_endpoint import TokenEndpoint, token_endpoint
from tests.system.conftest import Ran
from tests.system.processes import Processes
from tests.system.rights_stage import rights_stage
from tests.system.scorecards import Champions
from tests.system.secured_broker import ADMINISTRATOR, SecuredBroker, secured_broker
from tests.system.topic_records import read_topic
from tests.system.wait import wait_for
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
    applicants.flush()

    answers = Answers(administrator)
    wait_for(lambda: len(answers.decisions()) >= 50, 60, "a decision for each")
    applicants.send(b"rubbish", b"{}")
    applicants.flush()
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


def test_a_wrong_password_or_a_missing_certificate_is_one_line_and_exit_status_2(
    broker: SecuredBroker, administrator: Connection, processes: Processes
) -> None:
    wrong = {**broker.settings("worker"), "kafka_sasl_password": "not-the-password"}
    refused = start_worker(processes, ready=False, **wrong, cache_dir=processes.folder / "refused").process
    unknown = start_worker(processes, ready=False, **_without_certificate(broker)).process

    assert (refused.wait(READY_S), unknown.wait(READY_S)) == (MISCONFIGURED, MISCONFIGURED)
    assert "refuses our user name, password or certificate" in refused.output().splitlines()[-1]
    assert "not-the-password" not in refused.output()
    assert "refuses our client certificate: none is set" in unknown.output().splitlines()[-1]


def test_each_kind_of_wrong_connection_is_a_set_up_fault_that_says_what_is_wrong(
    broker: SecuredBroker, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.kafka.admin.ASK_S", 3.0)
    kinds = _wrong_connections(broker, connection.bootstrap_servers, tmp_path)

    with ThreadPoolExecutor(len(kinds)) as pool:
        said = dict(zip(kinds, pool.map(_fault_of, kinds.values()), strict=True))

    assert {kind: fault for kind, fault in said.items() if kind not in fault} == {}


@pytest.mark.parametrize("principal", [KafkaPrincipal.OPERATOR, KafkaPrincipal.UPSTREAM, KafkaPrincipal.DOWNSTREAM])
def test_a_command_of_a_person_with_one_right_less_ends_with_a_line_that_names_it(
    principal: KafkaPrincipal,
    broker: SecuredBroker,
    connection: Connection,
    tmp_path: Path,
    loanctl: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = rights_stage(broker, connection, tmp_path)
    _set_aside(stage.connection, *_rubbish(stage.load))
    commands = COMMANDS_OF[principal](stage.connection.topics())
    for name, value in broker.settings(principal.value).items():
        monkeypatch.setenv(f"LOAN_{name.upper()}", value)

    def findings(right: AccessRight) -> list[str]:
        command = commands[right.name, right.operation]
        status, out, err = loanctl(*command)
        said = err.strip().splitlines()
        clear = len(said) == 1 and right.name in said[0]
        return [] if status == MISCONFIGURED and clear else [f"{right}: {command}: status {status}, {said} {out}"]

    wanted = [right for right in stage.of(principal) if (right.name, right.operation) in commands]
    silent = [line for right in wanted for line in stage.wrong_without(right, partial(findings, right))]

    assert not silent, "\n".join(silent)
    assert len(wanted) == len(commands)
    champion = stage.champions.registry.champion()
    assert champion is not None
    assert champion.version == "1"
    assert not [record for record in _audit_values(stage.connection) if b"PROMOTE" in record]


def _fault_of(given: Mapping[str, str]) -> str:
    try:
        require_topics(Connection(_env_file=None, **given), KafkaPrincipal.WORKER)
    except SetupError as fault:
        return str(fault)
    except OutageError as fault:
        return f"outage: {fault}"
    return "no fault"


def _without_certificate(broker: SecuredBroker) -> dict[str, str]:
    own = ("kafka_ssl_certificate_location", "kafka_ssl_key_location")
    return {name: value for name, value in broker.certificate_settings("worker").items() if name not in own}


def _wrong_connections(broker: SecuredBroker, open_servers: str, folder: Path) -> Mapping[str, Mapping[str, str]]:
    """By what the fault says of each."""
    password, certificate = broker.settings("worker"), broker.certificate_settings("worker")
    other = Issuer()
    (folder / "other.pem").write_bytes(other.certificate.public_bytes(Encoding.PEM))
    (folder / "stranger.pem").write_bytes(other.issue(subject("worker")))
    (folder / "expired.pem").write_bytes(broker.issuer.issue(subject("worker"), -DAY))

    def with_certificate(name: str) -> dict[str, str]:
        own = str(folder / name)
        return {**certificate, "kafka_ssl_certificate_location": own, "kafka_ssl_key_location": own}

    return {
        "has a certificate that we cannot verify": {**password, "kafka_ssl_ca_location": str(folder / "other.pem")},
        "refuses our client certificate: none is set": _without_certificate(broker),
        "its date is past": with_certificate("expired.pem"),
        "or its authority is unknown": with_certificate("stranger.pem"),
        "does not offer our SASL mechanism": {**password, "kafka_sasl_mechanism": "SCRAM-SHA-256"},
        "speaks TLS, and LOAN_KAFKA_SECURITY_PROTOCOL=PLAINTEXT does not": {
            "bootstrap_servers": broker.bootstrap_servers
        },
        "speaks no TLS, and LOAN_KAFKA_SECURITY_PROTOCOL=SASL_SSL does": {
            **password,
            "bootstrap_servers": open_servers,
        },
        "asks for SASL, and LOAN_KAFKA_SECURITY_PROTOCOL=SSL has none": {
            **certificate,
            "bootstrap_servers": broker.bootstrap_servers,
        },
        "ssl.ca.location failed": {**password, "kafka_ssl_ca_location": str(folder / "nowhere.pem")},
    }


Commands = Mapping[tuple[str, Operation], tuple[str, ...]]


def _of_operator(topics: Topics) -> Commands:
    """A command that needs each right; no command reads the alerts."""
    history, redrive = ("drift", "history"), ("dlq", "redrive", "--send", "--force")
    promote = ("champion", "promote", "2")
    read = {
        topics.dead_letters: ("dlq", "list"),
        topics.applications: ("profile",),
        topics.decisions: ("decisions", "verify"),
        topics.champions: history,
        topics.audit: ("audit", "log"),
        topics.drift_reports: history,
        topics.performance_reports: history,
        topics.retrain_commands: ("retrain", "--key", "once"),
        topics.retrain_results: ("retrain", "--key", "once", "--wait", "5"),
        topics.shadow_decisions: ("challenger", "report"),
        topics.outcomes: ("drift", "performance", "--since", "2026-01-01"),
    }
    written = {
        topics.applications: redrive,
        topics.champions: promote,
        topics.retrain_commands: ("retrain",),
        topics.drift_acknowledgements: ("drift", "acknowledge", "--why", "known"),
        topics.audit: promote,
    }
    return {
        **{(topic.name, Operation.READ): command for topic, command in read.items()},
        **{(topic.name, Operation.WRITE): command for topic, command in written.items()},
        (redrive_id(topics), Operation.WRITE): redrive,
    }


def _of_upstream(topics: Topics) -> Commands:
    """What plays upstream."""
    play = ("play", "--all-outcomes", "--rows", "20")
    return {(topic.name, Operation.WRITE): play for topic in (topics.applications, topics.outcomes)}


def _of_downstream(topics: Topics) -> Commands:
    """Systems of others read the reviews, in groups of their own."""
    return {(topics.decisions.name, Operation.READ): ("tail",)}


COMMANDS_OF: Mapping[KafkaPrincipal, Callable[[Topics], Commands]] = {
    KafkaPrincipal.OPERATOR: _of_operator,
    KafkaPrincipal.UPSTREAM: _of_upstream,
    KafkaPrincipal.DOWNSTREAM: _of_downstream,
}


def _audit_values(connection: Connection) -> list[bytes]:
    return [record.value() or b"" for record in read_topic(connection, connection.topics().audit.name)]


def _rubbish(load: Applicants) -> tuple[int, int]:
    """Partition and offset of an application that nobody can read."""
    places: list[Message] = []
    producer = Producer(load.connection.kafka())
    producer.produce(load.topic, b"{}", b"rubbish", on_delivery=lambda _, message: places.append(message))
    assert producer.flush(60) == 0
    return places[0].partition(), places[0].offset()


def _set_aside(connection: Connection, partition: int, offset: int) -> None:
    """A dead letter for that record, as a worker writes it."""
    source = {"topic": connection.topics().applications.name, "partition": str(partition), "offset": str(offset)}
    headers: list[tuple[str, str | bytes | None]] = [(f"{CONNECT}{name}", value) for name, value in source.items()]
    producer = Producer(connection.kafka())
    producer.produce(
        connection.topics().dead_letters.name, b"{}", b"rubbish", headers=[*headers, ("reason", b"not_framed")]
    )
    assert producer.flush(60) == 0
