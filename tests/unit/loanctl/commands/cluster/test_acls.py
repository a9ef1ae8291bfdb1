"""The table of rights names what the processes use, and nothing that anybody else's name begins with."""

from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka.admin import AclBinding

from drift.settings import DriftSettings
from ledger.ingest.recorded_topics import row_makers
from ledger.settings import LedgerSettings
from loanctl.commands.cluster import acls
from loanctl.commands.cluster.acls import AclsRefusedError, PrincipalError, lines, user_names
from schemas.access import AccessRight, KafkaPrincipal, Operation, Resource, rights
from schemas.contract.contract import load
from schemas.topics import topics_of
from streams.runtime.settings import Connection
from streams.worker.settings import ScoringSettings
from training.settings import TrainingSettings

TOPICS = topics_of(load("credit_risk"))
RIGHTS = rights(TOPICS)


def allowed(principal: KafkaPrincipal, resource: Resource, operation: Operation, name: str) -> bool:
    """As a broker decides that denies by default."""
    return any(
        (right.principal, right.resource, right.operation) == (principal, resource, operation)
        and (name.startswith(right.name) if right.prefix else name == right.name)
        for right in RIGHTS
    )


def test_each_process_may_join_its_group_and_no_other() -> None:
    groups = {
        KafkaPrincipal.WORKER: ScoringSettings(_env_file=None).group(),
        KafkaPrincipal.DRIFT_AGENT: f"{DriftSettings(_env_file=None).group()}.owner",
        KafkaPrincipal.TRAINER: TrainingSettings(_env_file=None).group(),
        KafkaPrincipal.LEDGER: LedgerSettings(_env_file=None).group(),
    }

    may = {
        principal: [owner for owner, name in groups.items() if allowed(principal, Resource.GROUP, Operation.READ, name)]
        for principal in groups
    }

    assert may == {principal: [principal] for principal in groups}


def test_the_ledger_may_read_what_it_keeps_and_write_nothing() -> None:
    may = {
        topic.name
        for topic in TOPICS.all()
        if allowed(KafkaPrincipal.LEDGER, Resource.TOPIC, Operation.READ, topic.name)
    }

    assert may == set(row_makers(TOPICS))
    assert not any(right.operation is Operation.WRITE for right in RIGHTS if right.principal is KafkaPrincipal.LEDGER)


def test_only_the_trainer_and_operators_announce_and_only_workers_decide() -> None:
    writers = {
        topic.name: [who for who in KafkaPrincipal if allowed(who, Resource.TOPIC, Operation.WRITE, topic.name)]
        for topic in TOPICS.all()
    }

    assert writers[TOPICS.champions.name] == [KafkaPrincipal.TRAINER, KafkaPrincipal.OPERATOR]
    assert writers[TOPICS.decisions.name] == [KafkaPrincipal.WORKER]
    assert writers[TOPICS.applications.name] == [
        KafkaPrincipal.GATEWAY,
        KafkaPrincipal.UPSTREAM,
        KafkaPrincipal.OPERATOR,
    ]
    assert writers[TOPICS.reviews.name] == [KafkaPrincipal.GATEWAY]


def test_a_right_is_a_line_for_kafkas_own_tool() -> None:
    right = AccessRight(KafkaPrincipal.WORKER, Resource.TRANSACTIONAL_ID, "loan.", Operation.WRITE, prefix=True)

    assert list(lines([right], user_names(["worker=scoring"]))) == [
        "--add --allow-principal User:scoring --operation write --transactional-id loan. "
        "--resource-pattern-type prefixed"
    ]


class LateBroker:
    """Acknowledges rights at once, and applies them one at each question."""

    def __init__(self) -> None:
        self.given: list[AclBinding] = []
        self.applied = 0

    def create_acls(self, bindings: list[AclBinding]) -> dict[AclBinding, Future[None]]:
        self.given = bindings
        return {binding: _future_of(None) for binding in bindings}

    def describe_acls(self, _wanted: object) -> Future[list[AclBinding]]:
        self.applied += 1
        return _future_of(self.given[: self.applied - 1])


def _future_of(value: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(value)
    return future


def test_rights_are_given_when_the_broker_applies_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = LateBroker()
    monkeypatch.setattr(acls, "AdminClient", lambda _properties: broker)

    acls.grant(Connection(_env_file=None, bootstrap_servers="a:1"), RIGHTS[:3], user_names(()))

    assert broker.applied == 4


def test_rights_that_no_broker_applies_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = LateBroker()
    monkeypatch.setattr(broker, "describe_acls", lambda _wanted: _future_of([]))
    monkeypatch.setattr(acls, "AdminClient", lambda _properties: broker)
    monkeypatch.setattr(acls, "TIMEOUT_S", 0.0)

    with pytest.raises(AclsRefusedError, match="does not apply all access rights"):
        acls.grant(Connection(_env_file=None, bootstrap_servers="a:1"), RIGHTS[:3], user_names(()))


@pytest.mark.parametrize("given", ["clerk=me", "worker", "worker="])
def test_a_role_that_does_not_exist_or_has_no_name_is_refused(given: str) -> None:
    with pytest.raises(PrincipalError, match="ROLE is one of worker, drift-agent"):
        user_names([given])
