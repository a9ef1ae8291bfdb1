"""Documents for machines (AsyncAPI, data contract, OpenAPI), and the pages that introduce them."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from prometheus_client import CollectorRegistry

from gateway.app import create_app
from gateway.process import GatewayProcess
from gateway.settings import GatewaySettings
from loanctl.documents.asyncapi import asyncapi
from loanctl.documents.data_contract import data_contract
from reference_pages.markdown import table
from reference_pages.topics import PRODUCT
from schemas.contract import contract as contracts
from schemas.release import code_version
from schemas.topics import topics_of

BROKER: Final = "localhost:9092"
DOCUMENTS: Final = """\
# AsyncAPI and data contract

Two documents for machines, generated from the Avro schemas, the topics and the rights:

- [asyncapi.json](asyncapi.json), AsyncAPI 3.0: every topic as a channel with its schema, key, headers and retention,
  and who sends and receives. `loanctl schemas asyncapi` prints it with your product, prefix and broker.
- [decisions-contract.json](decisions-contract.json), Open Data Contract Standard 3.1: the fields of a decision, what
  always holds of them, and how long they are kept. `loanctl schemas contract` prints yours.
"""
HTTP: Final = """\
# HTTP

{}

The whole document is [openapi.json](openapi.json); a running gateway has its own at `/openapi.json`, with the fields of
its product. Roles, limits and examples: [the gateway](../gateway.md).
"""


def documents_page() -> str:
    """What AsyncAPI document and data contract say, and the two themselves."""
    operations = asyncapi_document()["operations"].values()
    sides = [
        (name, _channels(operations, name, "receive"), _channels(operations, name, "send"))
        for name in dict.fromkeys(each["tags"][0]["name"] for each in operations)
    ]
    [decisions] = contract_document()["schema"]
    fields = [
        (f"`{each['name']}`", each["physicalType"], "yes" if each["required"] else "no", each.get("classification", ""))
        for each in decisions["properties"]
    ]
    return "\n".join(
        (
            DOCUMENTS,
            "## Who receives and who sends\n",
            *table(("principal", "receives", "sends"), sides),
            "\n## The contract's fields\n",
            *table(("field", "type", "required", "classification"), fields),
        )
    )


def http_page() -> str:
    """Every operation of the gateway, as its own OpenAPI document has it."""
    document = openapi_document()
    rows = [
        (f"`{method.upper()} {path}`", " ".join(operation.get("description", operation["summary"]).split()))
        for path, methods in sorted(document["paths"].items())
        for method, operation in methods.items()
    ]
    return "\n".join((HTTP.format(document["info"]["description"]), *table(("operation", "does"), rows)))


def asyncapi_document() -> dict[str, Any]:
    """The topics as AsyncAPI channels."""
    contract = contracts.load(PRODUCT)
    return asyncapi(contract, topics_of(contract), BROKER, code_version())


def contract_document() -> dict[str, Any]:
    contract = contracts.load(PRODUCT)
    return data_contract(contract, topics_of(contract), BROKER, code_version())


@cache
def openapi_document() -> dict[str, Any]:
    """Of a gateway that connects nowhere; once, since its metrics are the process'."""
    process = GatewayProcess(GatewaySettings())
    return dict(create_app(process.gateway, CollectorRegistry()).openapi())


def _channels(operations: Iterable[Mapping[str, Any]], principal: str, action: str) -> str:
    names = [
        each["channel"]["$ref"].rpartition("/")[2]
        for each in operations
        if (each["tags"][0]["name"], each["action"]) == (principal, action)
    ]
    return ", ".join(names)
