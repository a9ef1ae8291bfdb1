"""Broker and topic settings that affect this project's records; reported if they are too small.

The check needs the right DESCRIBE_CONFIGS, which no process needs for its work: without it nothing is reported.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    ConfigResource,
    ResourceType,
)

from streams.kafka.admin import ASK_S, admin_of
from streams.kafka.producer.transactions import MOST_BYTES
from streams.runtime.settings import Connection

MESSAGE_BYTES: Final = "max.message.bytes"
OFFSETS_MINUTES: Final = "offsets.retention.minutes"
DAY_MINUTES: Final = 1_440

log = structlog.get_logger(__name__)


def short_offset_retention(connection: Connection) -> str:
    """A line for an operator if the broker drops a group's offsets before its applications; empty if it does not.

    A group that comes back with its offsets gone and its topic there decides all of it again.
    """
    applications = connection.topics().applications
    broker = _settings(connection, ResourceType.BROKER, [str(node) for node in _nodes(connection)])
    minutes = min((int(values[OFFSETS_MINUTES]) for values in broker.values() if OFFSETS_MINUTES in values), default=0)
    if not minutes or applications.kept is None or timedelta(minutes=minutes) >= applications.kept:
        return ""
    needed = applications.kept // timedelta(minutes=1)
    return (
        f"the broker drops the offsets of a group that is away for {minutes / DAY_MINUTES:g} days "
        f"({OFFSETS_MINUTES}={minutes}), and {applications.name} keeps {applications.kept.days} days: "
        f"a group away for longer reads all of it again; set {OFFSETS_MINUTES}={needed} on the brokers"
    )


def report_small_topics(connection: Connection, topics: Sequence[str]) -> None:
    """Log each topic whose limit is smaller than the batches that a process may send to it."""
    found = _settings(connection, ResourceType.TOPIC, topics)
    for topic, values in found.items():
        limit = int(values.get(MESSAGE_BYTES, MOST_BYTES))
        if limit < MOST_BYTES:
            advice = "raise it: what is refused is sent bare, and a dead letter then says only where its bytes lie"
            log.warning("topic.limited", topic=topic, max_message_bytes=limit, sends_bytes=MOST_BYTES, why=advice)


def _nodes(connection: Connection) -> Sequence[int]:
    try:
        return sorted(admin_of(connection).list_topics(timeout=ASK_S).brokers)
    except KafkaException:
        return []


def _settings(connection: Connection, kind: Any, names: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """By resource; without those that the broker does not show."""
    if not names:
        return {}
    resources = [ConfigResource(kind, name) for name in names]
    values: dict[str, Mapping[str, str]] = {}
    for resource, future in admin_of(connection).describe_configs(resources, request_timeout=ASK_S).items():
        try:
            entries = future.result(ASK_S + 1)
        except (KafkaException, TimeoutError):
            continue
        values[resource.name] = {name: entry.value for name, entry in entries.items() if entry.value is not None}
    return values
