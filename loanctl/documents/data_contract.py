"""The data contract of decisions: the Open Data Contract Standard (ODCS) 3.1.0.

Pure. Fields come from the decisions' Avro schema, retention from the topic table, promises from `docs/guarantees.md`.
"""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from schemas.codec.event_codec import avro_schema
from schemas.contract.contract import Contract
from schemas.events.decisions import LoanDecision
from schemas.topics import Topics

VERSION: Final = "v3.1.0"
NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_OID, "loan.v1.DataContract")
"""Under it a topic's name is hashed to its contract's id."""
LOGICAL: Final[Mapping[str, str]] = {
    "string": "string",
    "enum": "string",
    "bytes": "string",
    "boolean": "boolean",
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "record": "object",
    "array": "array",
}
"""Avro's types; a timestamp is known by its logical type."""
OF_A_PERSON: Final = frozenset(
    {"application_id", "probability", "margin", "contributions", "reasons", "flags", "outcome"}
)
"""Fields that describe an applicant, see `docs/personal-data.md`."""
KEY: Final = "application_id"
INVARIANTS: Final = (
    "base_value plus all contributions is margin",
    "outcome follows from probability, approve_below and decline_from",
    "each reason names a feature that raised the risk; an APPROVE has no reason",
    "the value is a pure function of application bytes and coordinates, scorecard, policy and release",
)


def data_contract(contract: Contract, topics: Topics, bootstrap_servers: str, version: str) -> dict[str, Any]:
    """The contract of a product's decisions as JSON data, which is YAML, too.

    Args:
        version: of the contract: the release.
    """
    topic, schema = topics.decisions, avro_schema(LoanDecision)
    return {
        "apiVersion": VERSION,
        "kind": "DataContract",
        "id": str(uuid.uuid5(NAMESPACE, topic.name)),
        "name": f"Loan decisions: {contract.product}",
        "version": version,
        "status": "active",
        "domain": "credit",
        "description": {
            "purpose": "One decision for each loan application, with the exact contribution of every feature.",
            "usage": "Keep the first decision of an application_id; read committed records only.",
            "limitations": "REFER is no final outcome: the review of an officer follows on " + topics.reviews.name,
        },
        "servers": [{"server": "kafka", "type": "kafka", "host": bootstrap_servers, "format": "avro"}],
        "schema": [
            {
                "name": schema["name"],
                "physicalName": topic.name,
                "physicalType": "topic",
                "logicalType": "object",
                "description": schema["doc"],
                "dataGranularityDescription": "One record for each application; a redelivery repeats its bytes.",
                "properties": [_field(field) for field in schema["fields"]],
                "quality": [{"type": "text", "description": text} for text in INVARIANTS],
            }
        ],
        "slaProperties": _agreements(topics),
    }


def _agreements(topics: Topics) -> list[dict[str, Any]]:
    topic = topics.decisions
    kept = [] if topic.kept is None else [{"property": "retention", "value": topic.kept.days, "unit": "d"}]
    compatible = {"property": "schemaCompatibility", "value": topic.compatibility.value, "driver": "operational"}
    return [*kept, compatible]


def _field(field: Mapping[str, Any]) -> dict[str, Any]:
    branches = field["type"] if isinstance(field["type"], list) else [field["type"]]
    known = [branch for branch in branches if branch != "null"]
    found: dict[str, Any] = {
        "name": field["name"],
        "description": field["doc"],
        "required": "null" not in branches,
        **_type(known[0] if len(known) == 1 else "string"),
    }
    if len(known) > 1:
        found["physicalType"] = " or ".join(map(str, known))
    if field["name"] == KEY:
        found |= {"partitioned": True, "partitionKeyPosition": 1}
    if field["name"] in OF_A_PERSON:
        found["classification"] = "restricted"
    return found


def _type(avro: Any) -> dict[str, Any]:
    if isinstance(avro, str):
        return {"logicalType": LOGICAL[avro], "physicalType": avro}
    if avro.get("logicalType") == "timestamp-millis":
        return {"logicalType": "timestamp", "physicalType": "timestamp-millis"}
    found: dict[str, Any] = {"logicalType": LOGICAL[avro["type"]], "physicalType": avro["type"]}
    if avro["type"] == "enum":
        found["customProperties"] = [{"property": "symbols", "value": avro["symbols"]}]
    elif avro["type"] == "record":
        found["properties"] = [_field(each) for each in avro["fields"]]
    elif avro["type"] == "array":
        found["items"] = _type(avro["items"])
    return found
