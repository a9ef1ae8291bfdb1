"""`loanctl topics apply`: the topics of `schemas.topics`, made so on a broker.

Idempotent. Partitions are added and never taken away: Kafka cannot, and keys would move.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from loanctl.commands.cluster.acls import acls_command
from loanctl.console import echo
from schemas.errors import OutageError, SetupError
from schemas.topics import Topic
from streams.kafka.broker_settings import short_offset_retention
from streams.kafka.kafka_errors import BrokerAwayError
from streams.runtime.settings import Connection, read

TIMEOUT_S: Final = 15.0
POLL_S: Final = 0.1
AWAY: Final = frozenset({KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT})
"""Codes by which librdkafka says that it reached no broker."""
BROKERS_OWN: Final = -1
"""A replication factor that leaves the choice to the broker."""

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Create the topics, and set who may use them.")


class TopicRefusedError(SetupError):
    """The broker will not make a topic so; names topic and the broker's code."""


class TopicSettings(Connection):
    """What is asked of a broker for the topics."""

    partitions: int = 4
    """Of topics whose order across keys does not matter; others have one."""
    replication_factor: int = BROKERS_OWN


@dataclass(frozen=True, slots=True)
class TopicChange:
    """What was done to one topic; `changes` is empty where it was right."""

    topic: str
    partitions: int
    changes: tuple[str, ...]

    def line(self) -> str:
        return f"{self.topic}: {self.partitions} partitions, {', '.join(self.changes) or 'as it should be'}"


app.command("acls")(acls_command)


@app.callback()
def topics() -> None:
    """Make the topics as they should be."""


@app.command("apply")
def apply_command(
    partitions: Annotated[
        int | None, typer.Option(min=1, help="Of topics whose order across keys does not matter; default 4.")
    ] = None,
) -> None:
    """Create what is missing, add partitions, set retention and compaction. Safe to repeat."""
    given = {} if partitions is None else {"partitions": partitions}
    settings = read(TopicSettings, **given)
    for applied in apply(settings):
        echo(applied.line())
    if warning := short_offset_retention(settings):
        echo(f"warning: {warning}", err=True)


def apply(settings: TopicSettings) -> tuple[TopicChange, ...]:
    """Make every topic of the product as it should be, in the order data flows.

    Raises:
        BrokerAwayError: no broker answers.
        TopicRefusedError: the broker will not have it.
    """
    admin = AdminClient(settings.kafka())
    wanted = settings.topics().all()
    had = _current_partitions(admin, settings)
    missing = [topic for topic in wanted if topic.name not in had]
    created = _create(admin, missing, settings)
    made = [
        TopicChange(topic.name, _partitions(topic, settings), ("created",) if created[topic.name] else ())
        for topic in missing
    ]
    changed = _change(admin, [topic for topic in wanted if topic.name in had], had, settings)
    by_name = {applied.topic: applied for applied in (*made, *changed)}
    _await_visibility(admin, by_name, settings)
    return tuple(by_name[topic.name] for topic in wanted)


def _current_partitions(admin: AdminClient, settings: TopicSettings) -> dict[str, int]:
    found = _answer(lambda: admin.list_topics(timeout=TIMEOUT_S), settings.bootstrap_servers)
    return {name: len(topic.partitions) for name, topic in found.topics.items()}


def _create(admin: AdminClient, missing: list[Topic], settings: TopicSettings) -> dict[str, bool]:
    """Whether it was us, by name: another `apply` at the same time, with the same wishes, does no harm."""
    if not missing:
        return {}
    futures = admin.create_topics([_new(topic, settings) for topic in missing])
    return {name: _settled_as_new(future, name) for name, future in futures.items()}


def _new(topic: Topic, settings: TopicSettings) -> NewTopic:
    return NewTopic(
        topic.name,
        num_partitions=_partitions(topic, settings),
        replication_factor=settings.replication_factor,
        config=topic.configuration(),
    )


def _settled_as_new(future: Future[Any], name: str) -> bool:
    try:
        future.result(TIMEOUT_S)
    except KafkaException as cause:
        if cause.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise _named_error(cause, name) from cause
        return False
    return True


def _await_visibility(admin: AdminClient, applied: Mapping[str, TopicChange], settings: TopicSettings) -> None:
    """A broker learns of what the controller did a moment later; the next process must find it."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        seen = _current_partitions(admin, settings)
        if all(seen.get(name, 0) >= each.partitions for name, each in applied.items()):
            return
        time.sleep(POLL_S)
    problem = f"the topics were made, and {settings.bootstrap_servers} does not show them yet"
    raise BrokerAwayError(problem)


def _partitions(topic: Topic, settings: TopicSettings) -> int:
    return settings.partitions if topic.many_partitions else 1


def _change(
    admin: AdminClient, kept: list[Topic], had: Mapping[str, int], settings: TopicSettings
) -> list[TopicChange]:
    narrow = {
        topic.name: _partitions(topic, settings) for topic in kept if _partitions(topic, settings) > had[topic.name]
    }
    wrong = _wrong(admin, kept)
    _settle(admin.create_partitions([NewPartitions(name, count) for name, count in narrow.items()]) if narrow else {})
    _settle(admin.incremental_alter_configs([_alteration(*item) for item in wrong.items()]) if wrong else {})
    return [
        TopicChange(
            topic.name,
            narrow.get(topic.name, had[topic.name]),
            _changes(had[topic.name], narrow.get(topic.name), wrong.get(topic.name, {})),
        )
        for topic in kept
    ]


def _changes(had: int, widened: int | None, properties: Mapping[str, str]) -> tuple[str, ...]:
    partitions = (f"widened from {had}",) if widened else ()
    return (*partitions, *(f"{name} set to {value}" for name, value in properties.items()))


def _wrong(admin: AdminClient, kept: list[Topic]) -> dict[str, dict[str, str]]:
    if not kept:
        return {}
    resources = [ConfigResource(ResourceType.TOPIC, topic.name) for topic in kept]
    found = {resource.name: entries for resource, entries in _settle(admin.describe_configs(resources)).items()}
    wrong: dict[str, dict[str, str]] = {}
    for topic in kept:
        entries = found[topic.name]
        differing = {name: value for name, value in topic.configuration().items() if entries[name].value != value}
        if differing:
            wrong[topic.name] = differing
    return wrong


def _alteration(name: str, properties: Mapping[str, str]) -> ConfigResource:
    entries = [
        ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in properties.items()
    ]
    return ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)


def _settle(futures: Mapping[Any, Future[Any]]) -> dict[Any, Any]:
    return {what: _answer(lambda: future.result(TIMEOUT_S), str(what)) for what, future in futures.items()}  # noqa: B023 - called at once


def _answer(question: Callable[[], Any], what: str) -> Any:
    try:
        return question()
    except KafkaException as cause:
        raise _named_error(cause, what) from cause


def _named_error(cause: KafkaException, what: str) -> OutageError | SetupError:
    error: KafkaError = cause.args[0]
    if error.retriable() or error.code() in AWAY:
        return BrokerAwayError(f"no Kafka broker answers ({what}): {error.name()}")
    return TopicRefusedError(f"the broker refuses {what}: {error.name()}")
