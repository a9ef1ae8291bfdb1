"""`loanctl schemas`: the schemas of `schemas/avro`, in a registry and kept compatible there, and as documents.

Subjects by topic name. Producers never register; a schema that readers in the field could not
live with is found by `check` before it is released.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import httpx2
import typer
from confluent_kafka.schema_registry import ConfigCompatibilityLevel, Schema, SchemaRegistryClient, ServerConfig
from confluent_kafka.schema_registry.error import SchemaRegistryError

from loanctl.console import echo
from loanctl.documents.asyncapi import asyncapi
from loanctl.documents.data_contract import data_contract
from schemas.codec.event_codec import avro_schema
from schemas.contract.contract import Contract
from schemas.errors import SetupError
from schemas.registry_client import RegistryAwayError
from schemas.release import code_version
from schemas.topics import Compatibility, Topics
from streams.runtime.settings import Connection

NOT_FOUND: Final = 404
CONFLICT: Final = 409
Answer = TypeVar("Answer")

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Register the schemas, check them first, print them as documents."
)


class IncompatibleError(SetupError):
    """A subject's rule refuses our schema; names the subject, and how the schemas differ."""


@dataclass(frozen=True, slots=True)
class SubjectPlan:
    """A subject of the registry, and what it should hold."""

    name: str
    schema: Mapping[str, Any]
    compatibility: Compatibility

    def text(self) -> str:
        """The schema as it is registered, our attributes included."""
        return json.dumps(self.schema)


@dataclass(frozen=True, slots=True)
class SchemaCheck:
    """One subject against the registry: `wrong` is empty where the schema may be registered."""

    subject: str
    found: str
    wrong: str = ""

    def line(self) -> str:
        return f"{self.subject}: {self.wrong or self.found}"


@app.callback()
def schemas() -> None:
    """Register the schemas, check them first, print them as documents."""


@app.command("register")
def register_command() -> None:
    """Set each subject's compatibility and register its schema. Safe to repeat."""
    for subject, schema_id in register(Connection.read()).items():
        echo(f"{subject}: schema {schema_id}")


@app.command("check")
def check_command() -> None:
    """Check whether each schema can be registered; exit status 1 if one cannot."""
    checked = check(Connection.read())
    for each in checked:
        echo(each.line(), err=bool(each.wrong))
    if any(each.wrong for each in checked):
        raise typer.Exit(1)


@app.command("asyncapi")
def asyncapi_command() -> None:
    """Print the AsyncAPI 3 document of all topics, as JSON: channels, Avro schemas, who sends and receives."""
    _print(asyncapi)


@app.command("contract")
def contract_command() -> None:
    """Print the data contract of decisions (ODCS 3), as JSON, which is YAML: fields, promises, retention."""
    _print(data_contract)


def _print(document: Callable[[Contract, Topics, str, str], Mapping[str, Any]]) -> None:
    connection = Connection.read()
    made = document(connection.contract(), connection.topics(), connection.bootstrap_servers, code_version())
    sys.stdout.write(json.dumps(made, indent=2) + "\n")


def subjects(contract: Contract, topics: Topics) -> tuple[SubjectPlan, ...]:
    """Every subject of a product, in the order data flows; dead letters hold bytes as they came."""
    applications = topics.applications
    found = [SubjectPlan(f"{applications.name}-value", contract.schema, applications.compatibility)]
    found.extend(
        SubjectPlan(f"{topic.name}-value", avro_schema(topic.event), topic.compatibility)
        for topic in topics.all()
        if topic.event is not None
    )
    return tuple(found)


def register(connection: Connection) -> dict[str, int]:
    """Schema ids by subject.

    Raises:
        IncompatibleError: a subject's rule refuses our schema.
        RegistryAwayError: the registry does not answer.
    """
    registry = connection.registry()
    return {
        subject.name: _register(registry, subject) for subject in subjects(connection.contract(), connection.topics())
    }


def check(connection: Connection) -> tuple[SchemaCheck, ...]:
    """Each subject against every version that the registry holds of it; nothing is changed there.

    Raises:
        RegistryAwayError: the registry does not answer.
    """
    registry = connection.registry()
    return tuple(_check(registry, subject) for subject in subjects(connection.contract(), connection.topics()))


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """What of two record schemas can make them incompatible, by field; in words."""
    before = {field["name"]: field for field in old.get("fields", ())}
    after = {field["name"]: field for field in new.get("fields", ())}
    added = [f"{name} is added without a default" for name in after if name not in before and _required(after[name])]
    removed = [
        f"{name} is removed and had no default" for name in before if name not in after and _required(before[name])
    ]
    changed = [
        f"{name} changes its type" for name in after if name in before and after[name]["type"] != before[name]["type"]
    ]
    renamed = [f"the record is renamed from {old.get('name')}"] if old.get("name") != new.get("name") else []
    return (*renamed, *added, *removed, *changed)


def _required(field: Mapping[str, Any]) -> bool:
    return "default" not in field


def _register(registry: SchemaRegistryClient, subject: SubjectPlan) -> int:
    level = ConfigCompatibilityLevel(subject.compatibility.value)
    _ask(lambda: registry.set_config(subject.name, ServerConfig(compatibility=level)))
    try:
        return _ask(lambda: registry.register_schema(subject.name, Schema(subject.text(), "AVRO")))
    except SchemaRegistryError as cause:
        if cause.http_status_code != CONFLICT:
            raise
        raise IncompatibleError(_why(registry, subject)) from cause


def _check(registry: SchemaRegistryClient, subject: SubjectPlan) -> SchemaCheck:
    try:
        versions = _ask(lambda: registry.get_versions(subject.name))
    except SchemaRegistryError as cause:
        if cause.http_status_code == NOT_FOUND:
            return SchemaCheck(subject.name, "new")
        raise
    level = _ask(lambda: registry.get_config(subject.name)).compatibility_level
    if level is None or level.value != subject.compatibility:
        rule = level.value if level else "none"
        return SchemaCheck(subject.name, "", f"its rule is {rule}, not {subject.compatibility}: register sets it")
    schema = Schema(subject.text(), "AVRO")
    if not _ask(lambda: registry.test_compatibility_all_versions(subject.name, schema)):
        return SchemaCheck(subject.name, "", _why(registry, subject))
    return SchemaCheck(
        subject.name, f"compatible with {len(versions)} {'version' if len(versions) == 1 else 'versions'}"
    )


def _why(registry: SchemaRegistryClient, subject: SubjectPlan) -> str:
    """Not every registry says: the versions are compared here, the latest first."""
    for version in sorted(_ask(lambda: registry.get_versions(subject.name)), reverse=True):
        held = _ask(lambda: registry.get_version(subject.name, version))  # noqa: B023 - called at once
        found = differences(json.loads(str(held.schema.schema_str)), subject.schema)
        if found:
            return f"{subject.name} is not {subject.compatibility} with version {version}: {'; '.join(found)}"
    return f"{subject.name} is not {subject.compatibility}"


def _ask(question: Callable[[], Answer]) -> Answer:
    try:
        return question()
    except httpx2.TransportError as cause:
        problem = f"the schema registry does not answer: {type(cause).__name__}"
        raise RegistryAwayError(problem) from cause
