"""`loanctl topics acls`: the least rights of each principal, printed, or made so on a broker.

Idempotent. A right is added and never taken away: further rights were given by a person.
"""

import time
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Annotated, Any, Final

import typer
from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from loanctl.console import echo
from schemas.access import AccessRight, KafkaPrincipal, Resource, rights
from schemas.errors import SetupError
from streams.runtime.settings import Connection

TIMEOUT_S: Final = 15.0
ASK_AGAIN_S: Final = 0.05
ANY: Final[Any] = None
"""Any name, principal or host; the client's types know texts alone."""
EVERY_RIGHT: Final = AclBindingFilter(
    ResourceType.ANY, ANY, ResourcePatternType.ANY, ANY, ANY, AclOperation.ANY, AclPermissionType.ANY
)
RESOURCES: Final[Mapping[Resource, ResourceType]] = {
    Resource.TOPIC: ResourceType.TOPIC,
    Resource.GROUP: ResourceType.GROUP,
    Resource.TRANSACTIONAL_ID: ResourceType.TRANSACTIONAL_ID,
}
OPTIONS: Final[Mapping[Resource, str]] = {
    Resource.TOPIC: "--topic",
    Resource.GROUP: "--group",
    Resource.TRANSACTIONAL_ID: "--transactional-id",
}


class PrincipalError(SetupError):
    """A principal was named that does not exist, or not in the form ROLE=NAME."""


class AclsRefusedError(SetupError):
    """The broker does not take the rights: it has no authorizer, or we may not alter it."""


def acls_command(
    user: Annotated[
        list[str] | None, typer.Option(help="ROLE=NAME, as in worker=scoring; by default each role is a user's name.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Set them on the broker, as its administrator.")] = False,
) -> None:
    """Print the least rights of each principal, as arguments of Kafka's own `kafka-acls`."""
    connection = Connection.read()
    names, wanted = user_names(user or ()), rights(connection.topics())
    if apply:
        grant(connection, wanted, names)
    for line in lines(wanted, names):
        echo(line)


def user_names(given: Sequence[str]) -> Mapping[KafkaPrincipal, str]:
    """The broker's name of each role.

    Raises:
        PrincipalError: a role that does not exist, or no name.
    """
    names = {principal: principal.value for principal in KafkaPrincipal}
    for pair in given:
        role, _, name = pair.partition("=")
        if role not in names or not name:
            problem = f"--user {pair}: give ROLE=NAME, where ROLE is one of {', '.join(names)}"
            raise PrincipalError(problem)
        names[KafkaPrincipal(role)] = name
    return names


def lines(wanted: Sequence[AccessRight], names: Mapping[KafkaPrincipal, str]) -> Iterator[str]:
    """One line a right."""
    for right in wanted:
        pattern = " --resource-pattern-type prefixed" if right.prefix else ""
        allowed = f"--allow-principal User:{names[right.principal]} --operation {right.operation.value}"
        yield f"--add {allowed} {OPTIONS[right.resource]} {right.name}{pattern}"


def grant(connection: Connection, wanted: Sequence[AccessRight], names: Mapping[KafkaPrincipal, str]) -> None:
    """Give every right, and return when the broker that answers us applies them; one that is there changes nothing.

    Raises:
        AclsRefusedError: names the broker's code.
    """
    admin = AdminClient(connection.kafka())
    bindings = [_binding(right, names) for right in wanted]
    try:
        for future in admin.create_acls(bindings).values():
            future.result(TIMEOUT_S)
        _await_rights(admin, frozenset(bindings))
    except KafkaException as cause:
        problem = f"the broker does not take access rights: {cause.args[0].name()}"
        raise AclsRefusedError(problem) from cause


def _await_rights(admin: AdminClient, wanted: Set[AclBinding]) -> None:
    """The controller acknowledges a right before brokers apply it: the next command would be refused for a moment."""
    deadline = time.monotonic() + TIMEOUT_S
    while not wanted <= frozenset(admin.describe_acls(EVERY_RIGHT).result(TIMEOUT_S)):
        if time.monotonic() > deadline:
            problem = f"the broker does not apply all access rights within {TIMEOUT_S:.0f} s"
            raise AclsRefusedError(problem)
        time.sleep(ASK_AGAIN_S)


def _binding(right: AccessRight, names: Mapping[KafkaPrincipal, str]) -> AclBinding:
    return AclBinding(
        RESOURCES[right.resource],
        right.name,
        ResourcePatternType.PREFIXED if right.prefix else ResourcePatternType.LITERAL,
        f"User:{names[right.principal]}",
        "*",
        AclOperation[right.operation.name],
        AclPermissionType.ALLOW,
    )
