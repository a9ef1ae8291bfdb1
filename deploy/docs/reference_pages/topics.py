"""Topics, their schemas, and who writes and reads them."""

import json
from collections.abc import Iterator
from importlib import resources
from typing import Any, Final

from reference_pages.markdown import table
from schemas.access import Operation, Resource, rights
from schemas.contract import contract as contracts
from schemas.topics import Topic, Topics, topics_of

PRODUCT: Final = "credit_risk"

EVENTS: Final = """\
# Events

What is said on the topics, by whom and to whom. Fields: [topics and schemas](topics.md). Every event is a record of its
own, in Confluent's wire format, with CloudEvents headers in binary mode. Lines of the processes' logs are another
matter: [log events](../log-events.md).
"""


def topics_page() -> str:
    """Every topic, and every field of what lies on it."""
    topics = topics_of(contracts.load(PRODUCT)).all()
    rows = [(f"`{topic.name}`", topic.keyed_by, _kept(topic), value_of(topic)) for topic in topics]
    return "\n".join(("# Topics and schemas\n", *table(("topic", "key", "kept", "value"), rows), "", *_schemas()))


def events_page() -> str:
    """Every event by topic: who writes it, who reads it, and what it is."""
    topics = topics_of(contracts.load(PRODUCT))
    rows = [
        (
            f"`{topic.name}`",
            value_of(topic),
            _principals(topics, topic, Operation.WRITE),
            _principals(topics, topic, Operation.READ),
        )
        for topic in topics.all()
    ]
    return "\n".join((EVENTS, *table(("topic", "event", "written by", "read by"), rows)))


def _principals(topics: Topics, topic: Topic, operation: Operation) -> str:
    about = (Resource.TOPIC, topic.name, operation)
    return ", ".join(
        right.principal.value for right in rights(topics) if (right.resource, right.name, right.operation) == about
    )


def _schemas() -> Iterator[str]:
    for entry in sorted(resources.files("schemas").joinpath("avro").iterdir(), key=lambda each: each.name):
        schema = json.loads(entry.read_text(encoding="utf-8"))
        rows = [(f"`{field['name']}`", _type(field["type"]), field.get("doc", "")) for field in schema["fields"]]
        yield "\n".join(
            (f"## {schema['name']}\n", schema.get("doc", ""), "", *table(("field", "type", "doc"), rows), "")
        )


def _type(declared: Any) -> str:
    if isinstance(declared, list):
        return " or ".join(_type(each) for each in declared)
    if not isinstance(declared, dict):
        return str(declared)
    if declared["type"] == "array":
        return f"array of {_type(declared['items'])}"
    if declared["type"] == "map":
        return f"map of {_type(declared['values'])}"
    return str(declared.get("logicalType") or declared.get("name") or declared["type"])


def _kept(topic: Topic) -> str:
    return "compacted" if topic.kept is None else f"{topic.kept.days} days"


def value_of(topic: Topic) -> str:
    return topic.event.__name__ if topic.event else "LoanApplication, or its bytes as they came"
