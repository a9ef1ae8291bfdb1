"""A broker that denies by default: topics, schemas, scorecards and everybody's rights, each of which can be taken."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
)

from loanctl.commands.cluster import acls, schemas, topics
from schemas.access import AccessRight, KafkaPrincipal, rights
from streams.runtime.settings import Connection
from tests.system.scorecards import Champions
from tests.system.secured_broker import ADMINISTRATOR, SecuredBroker
from tests.system.wait import wait_for
from tests.system.workers import READY_S, Applicants


@dataclass
class Rights:
    """The rights on one broker, any of which can be taken away and given back."""

    connection: Connection

    def __post_init__(self) -> None:
        self._admin = AdminClient(self.connection.kafka())

    def give(self, wanted: tuple[AccessRight, ...]) -> None:
        acls.grant(self.connection, wanted, acls.user_names(()))
        wait_for(lambda: all(map(self._is_given, wanted)), READY_S, "the rights")

    def take(self, right: AccessRight) -> None:
        [future] = self._admin.delete_acls([_filter(right)]).values()
        assert len(future.result(30)) == 1, right
        wait_for(lambda: not self._is_given(right), READY_S, "the end of the right")

    def _is_given(self, right: AccessRight) -> bool:
        return bool(self._admin.describe_acls(_filter(right)).result(30))


def _filter(right: AccessRight) -> AclBindingFilter:
    pattern = ResourcePatternType.PREFIXED if right.prefix else ResourcePatternType.LITERAL
    operation, user = AclOperation[right.operation.name], f"User:{right.principal.value}"
    return AclBindingFilter(
        acls.RESOURCES[right.resource], right.name, pattern, user, "*", operation, AclPermissionType.ALLOW
    )


@dataclass
class Stage:
    """Topics, rights and two scorecards on the broker, the first of which decides."""

    connection: Connection
    rights: Rights
    everyone: tuple[AccessRight, ...]
    load: Applicants
    champions: Champions

    def of(self, principal: KafkaPrincipal) -> list[AccessRight]:
        return [right for right in self.everyone if right.principal is principal]

    def wrong_without(self, right: AccessRight, found: Callable[[], list[str]]) -> list[str]:
        """What is found while the right is missing."""
        self.rights.take(right)
        try:
            return found()
        finally:
            self.rights.give((right,))


def rights_stage(broker: SecuredBroker, connection: Connection, folder: Path) -> Stage:
    """Everybody has its rights."""
    given = {**connection.model_dump(), **broker.settings(ADMINISTRATOR)}
    own = Connection(**given)
    topics.apply(topics.TopicSettings(**given, partitions=2))
    schemas.register(own)
    everyone = rights(own.topics())
    granted = Rights(own)
    granted.give(everyone)
    champions = Champions(own, folder / "models")
    champions.promote(champions.register())
    champions.register(2.0)
    return Stage(own, granted, everyone, Applicants(own), champions)
