"""The AsyncAPI document: every topic of a product as a channel, its Avro schema, and who sends and receives.

Pure. Topics, retention and keys come from `schemas.topics`, payloads from the Avro schemas, operations from the
rights of each principal (`schemas.access`). AsyncAPI 3.0.0 with its Kafka bindings 0.5.0.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from schemas.access import AccessRight, Operation, Resource, rights
from schemas.codec.event_codec import avro_schema
from schemas.contract.contract import Contract
from schemas.topics import Topic, Topics
from scorecard.decisions.dead_letter_office import OWN

VERSION: Final = "3.0.0"
BINDING: Final = "0.5.0"
AVRO: Final = "application/vnd.apache.avro;version=1.9.0"
ACTIONS: Final = {Operation.READ: "receive", Operation.WRITE: "send"}
DESCRIPTION: Final = """\
Loan applications in, explained decisions out, and all that is around them. Values are Avro in the Confluent wire
format: a zero byte, the schema's id in the registry (four bytes, big-endian), the Avro body. Read with
`isolation.level=read_committed`: a decision counts once its transaction is committed."""
CLOUD_EVENTS: Final = {
    "ce_specversion": "CloudEvents version, 1.0.",
    "ce_id": "The event's id: the same fact has the same.",
    "ce_source": "URI reference of what produced it; the drift agent may allow it a clock skew of its own.",
    "ce_type": "Namespace and name of the Avro schema.",
    "content-type": "application/avro.",
}
"""Headers of each event, binary mode."""
OPTIONAL_HEADERS: Final = {
    "ce_subject": "Of decisions: the application's id.",
    "ce_replay": "Of shadow decisions: the id of the replay that made it. It answers no application.",
    "traceparent": "W3C Trace Context, as the application had it.",
}


def asyncapi(contract: Contract, topics: Topics, bootstrap_servers: str, version: str) -> dict[str, Any]:
    """The document as JSON data.

    Args:
        contract: the product's; its schema is the payload of applications.
        version: of the interface: the release.
    """
    channels = {name: getattr(topics, name) for name in Topics.__slots__}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": f"Loan decisions: {contract.product}",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/avro",
        "servers": {"kafka": {"host": bootstrap_servers.partition(",")[0], "protocol": "kafka"}},
        "channels": {name: _channel(name, topic) for name, topic in channels.items()},
        "operations": dict(_operations(channels, topics)),
        "components": {"messages": {name: _message(topic, contract) for name, topic in channels.items()}},
    }


def _channel(name: str, topic: Topic) -> dict[str, Any]:
    properties = topic.configuration()
    typed: dict[str, Any] = {"cleanup.policy": [properties["cleanup.policy"]]}
    if "retention.ms" in properties:
        typed["retention.ms"] = int(properties["retention.ms"])
    return {
        "address": topic.name,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {"kafka": {"topic": topic.name, "topicConfiguration": typed, "bindingVersion": BINDING}},
    }


def _message(topic: Topic, contract: Contract) -> dict[str, Any]:
    key = {"type": "string", "description": f"UTF-8: {topic.keyed_by}."}
    if topic.keyed_by == "as it came":
        return {
            "name": "DeadLetter",
            "summary": "A record that could not be read or scored: its bytes, key and headers as they came, and why.",
            "contentType": "application/octet-stream",
            "headers": _headers(dict.fromkeys(sorted(OWN), ""), required=("reason",)),
            "bindings": {"kafka": {"key": {"description": "As it came."}, "bindingVersion": BINDING}},
        }
    schema = contract.schema if topic.event is None else avro_schema(topic.event)
    # Upstream systems send applications and outcomes, and need no header.
    required = () if topic.event is None else tuple(CLOUD_EVENTS)
    return {
        "name": schema["name"],
        "summary": schema.get("doc", schema["name"]),
        "contentType": "application/avro",
        "headers": _headers({**CLOUD_EVENTS, **OPTIONAL_HEADERS}, required),
        "payload": {"schemaFormat": AVRO, "schema": schema},
        "bindings": {
            "kafka": {
                "key": key,
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "confluent",
                "schemaLookupStrategy": "TopicNameStrategy",
                "bindingVersion": BINDING,
            }
        },
    }


def _headers(described: Mapping[str, str], required: tuple[str, ...]) -> dict[str, Any]:
    properties = {
        name: {"type": "string", **({"description": text} if text else {})} for name, text in described.items()
    }
    return {"type": "object", "properties": properties, "required": list(required)}


def _operations(channels: Mapping[str, Topic], topics: Topics) -> Iterator[tuple[str, dict[str, Any]]]:
    names = {topic.name: name for name, topic in channels.items()}
    for right in rights(topics):
        if right.resource is Resource.TOPIC:
            yield _operation(right, names[right.name])


def _operation(right: AccessRight, channel: str) -> tuple[str, dict[str, Any]]:
    action, principal = ACTIONS[right.operation], right.principal.value
    return f"{principal}.{action}.{channel}", {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": f"{principal} {action}s {right.name}",
        "tags": [{"name": principal}],
        "messages": [{"$ref": f"#/channels/{channel}/messages/{channel}"}],
    }
