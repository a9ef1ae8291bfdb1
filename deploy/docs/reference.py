"""Pages of the site that the code itself gives: settings, topics and their documents, metrics, commands and alerts.

An mkdocs hook: pages exist while the site is built and are kept nowhere, so they cannot fall behind.
The front page is the README, its links seen from `docs/`.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module, resources
from pathlib import Path
from typing import Any, Final

import click
import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from prometheus_client import CollectorRegistry

from gateway.app import create_app
from gateway.process import GatewayProcess
from gateway.settings import GatewaySettings
from loanctl.cli import COMMANDS
from loanctl.commands.cluster.settings import PLACES
from loanctl.documents.asyncapi import asyncapi
from loanctl.documents.data_contract import data_contract
from loanctl.documents.exported_metrics import exported_metrics
from schemas.access import Operation, Resource, rights
from schemas.contract import contract as contracts
from schemas.release import code_version
from schemas.topics import Topic, Topics, topics_of

ROOT: Final = Path(__file__).resolve().parents[2]
RULES: Final = ROOT / "deploy" / "prometheus" / "rules.yml"
BOARDS: Final = ROOT / "deploy" / "grafana" / "dashboards"
PRODUCT: Final = "credit_risk"
BROKER: Final = "localhost:9092"
DOCUMENTS: Final = """\
# AsyncAPI and data contract

Two documents for machines, generated from the Avro schemas, the topics and the rights:

- [asyncapi.json](asyncapi.json), AsyncAPI 3.0: every topic as a channel with its schema, key, headers and retention,
  and who sends and receives. `loanctl schemas asyncapi` prints it with your product, prefix and broker.
- [decisions-contract.json](decisions-contract.json), Open Data Contract Standard 3.1: the fields of a decision, what
  always holds of them, and how long they are kept. `loanctl schemas contract` prints yours.
"""
DASHBOARDS: Final = """\
# Dashboards

For Grafana, in `deploy/grafana/dashboards/`. `docker compose up` provisions them. `make declarations` makes them from
`deploy/grafana/boards.py`.
"""
HTTP: Final = """\
# HTTP

{}

The whole document is [openapi.json](openapi.json); a running gateway has its own at `/openapi.json`, with the fields of
its product. Roles, limits and examples: [the gateway](../gateway.md).
"""
EVENTS: Final = """\
# Events

What is said on the topics, by whom and to whom. Fields: [topics and schemas](topics.md). Every event is a record of its
own, in Confluent's wire format, with CloudEvents headers in binary mode. Lines of the processes' logs are another
matter: [log events](../log-events.md).
"""
COMMON: Final = frozenset({"--help", "--install-completion", "--show-completion"})
"""Options of every command."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for name, page in PAGES.items():
        files.append(File.generated(config, name, content=page()))
    return files


def front_page() -> str:
    """The README as the site's first page."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"\]\(docs/", "](", text)
    return re.sub(r'(src|href)="docs/', r'\1="', text)


def settings_page() -> str:
    """Every setting by process."""
    return "# Settings\n\n" + "\n".join(_settings_sections())


def topics_page() -> str:
    """Every topic, and every field of what lies on it."""
    topics = topics_of(contracts.load(PRODUCT)).all()
    rows = [(f"`{topic.name}`", topic.keyed_by, _kept(topic), _value_of(topic)) for topic in topics]
    return "\n".join(("# Topics and schemas\n", *_table(("topic", "key", "kept", "value"), rows), "", *_schemas()))


def documents_page() -> str:
    """What AsyncAPI document and data contract say, and the two themselves."""
    operations = _asyncapi()["operations"].values()
    sides = [
        (name, _channels(operations, name, "receive"), _channels(operations, name, "send"))
        for name in dict.fromkeys(each["tags"][0]["name"] for each in operations)
    ]
    [table] = _contract()["schema"]
    fields = [
        (f"`{each['name']}`", each["physicalType"], "yes" if each["required"] else "no", each.get("classification", ""))
        for each in table["properties"]
    ]
    return "\n".join(
        (
            DOCUMENTS,
            "## Who receives and who sends\n",
            *_table(("principal", "receives", "sends"), sides),
            "\n## The contract's fields\n",
            *_table(("field", "type", "required", "classification"), fields),
        )
    )


def http_page() -> str:
    """Every operation of the gateway, as its own OpenAPI document has it."""
    document = _openapi()
    rows = [
        (f"`{method.upper()} {path}`", " ".join(operation.get("description", operation["summary"]).split()))
        for path, methods in sorted(document["paths"].items())
        for method, operation in methods.items()
    ]
    return "\n".join((HTTP.format(document["info"]["description"]), *_table(("operation", "does"), rows)))


def events_page() -> str:
    """Every event by topic: who writes it, who reads it, and what it is."""
    topics = topics_of(contracts.load(PRODUCT))
    rows = [
        (
            f"`{topic.name}`",
            _value_of(topic),
            _principals(topics, topic, Operation.WRITE),
            _principals(topics, topic, Operation.READ),
        )
        for topic in topics.all()
    ]
    return "\n".join((EVENTS, *_table(("topic", "event", "written by", "read by"), rows)))


def metrics_page() -> str:
    """Every metric by process."""
    return "# Metrics\n\n" + "\n".join(_metric_sections())


def commands_page() -> str:
    """Every command, with its arguments and options."""
    sections = (_command(line.load(), f"loanctl {line.name}") for line in COMMANDS)
    return "# Commands\n\n" + "\n".join(part for section in sections for part in section)


def alerts_page() -> str:
    """Every alert: when it fires, and what it says."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    rows = [
        (f"`{rule['alert']}`", rule["labels"]["severity"], rule.get("for", "0m"), rule["annotations"]["summary"])
        for rule in alerts
    ]
    return "\n".join(("# Alerts\n", *_table(("alert", "severity", "after", "says"), rows)))


def dashboards_page() -> str:
    """Every panel of every dashboard, and what it asks Prometheus."""
    boards = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(BOARDS.glob("*.json"))]
    sections = (
        "\n".join((f"## {board['title']}\n", *_table(("panel", "shows", "asks"), map(_panel_row, board["panels"])), ""))
        for board in boards
    )
    return "\n".join((DASHBOARDS, *sections))


def _panel_row(panel: Mapping[str, Any]) -> tuple[str, str, str]:
    return panel["title"], panel["description"], "<br>".join(f"`{target['expr']}`" for target in panel["targets"])


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "index.md": front_page,
    "reference/settings.md": settings_page,
    "reference/topics.md": topics_page,
    "reference/documents.md": documents_page,
    "reference/asyncapi.json": lambda: json.dumps(_asyncapi(), indent=2),
    "reference/decisions-contract.json": lambda: json.dumps(_contract(), indent=2),
    "reference/http.md": http_page,
    "reference/openapi.json": lambda: json.dumps(_openapi(), indent=2),
    "reference/events.md": events_page,
    "reference/metrics.md": metrics_page,
    "reference/commands.md": commands_page,
    "reference/alerts.md": alerts_page,
    "reference/dashboards.md": dashboards_page,
}


def _asyncapi() -> dict[str, Any]:
    contract = contracts.load(PRODUCT)
    return asyncapi(contract, topics_of(contract), BROKER, code_version())


def _contract() -> dict[str, Any]:
    contract = contracts.load(PRODUCT)
    return data_contract(contract, topics_of(contract), BROKER, code_version())


@cache
def _openapi() -> dict[str, Any]:
    """Of a gateway that connects nowhere; once, since its metrics are the process'."""
    process = GatewayProcess(GatewaySettings())
    return dict(create_app(process.gateway, CollectorRegistry()).openapi())


def _principals(topics: Topics, topic: Topic, operation: Operation) -> str:
    about = (Resource.TOPIC, topic.name, operation)
    return ", ".join(
        right.principal.value for right in rights(topics) if (right.resource, right.name, right.operation) == about
    )


def _channels(operations: Iterable[Mapping[str, Any]], principal: str, action: str) -> str:
    names = [
        each["channel"]["$ref"].rpartition("/")[2]
        for each in operations
        if (each["tags"][0]["name"], each["action"]) == (principal, action)
    ]
    return ", ".join(names)


def _settings_sections() -> Iterator[str]:
    inherited: Mapping[str, Any] = {}
    for title, place in PLACES:
        module, _, name = place.partition(":")
        fields = getattr(import_module(module), name).model_fields
        rows = [
            (f"`LOAN_{field.upper()}`", f"`{_default(info.default)}`", " ".join((info.description or "").split()))
            for field, info in fields.items()
            if field not in inherited
        ]
        inherited = inherited or fields
        yield "\n".join((f"## {title}\n", *_table(("setting", "default", "meaning"), rows), ""))


def _metric_sections() -> Iterator[str]:
    for process, metrics in exported_metrics(contracts.load(PRODUCT)).items():
        rows = [(f"`{metric.name}`", metric.type, metric.documentation) for metric in metrics]
        yield "\n".join((f"## {process}\n", *_table(("metric", "type", "meaning"), rows), ""))


def _schemas() -> Iterator[str]:
    for entry in sorted(resources.files("schemas").joinpath("avro").iterdir(), key=lambda each: each.name):
        schema = json.loads(entry.read_text(encoding="utf-8"))
        rows = [(f"`{field['name']}`", _type(field["type"]), field.get("doc", "")) for field in schema["fields"]]
        yield "\n".join(
            (f"## {schema['name']}\n", schema.get("doc", ""), "", *_table(("field", "type", "doc"), rows), "")
        )


def _command(command: click.Command, name: str) -> Iterator[str]:
    yield f"## {name}\n\n{command.help or ''}\n"
    rows = [
        (f"`{' / '.join((*each.opts, *each.secondary_opts))}`", getattr(each, "help", "") or "")
        for each in command.params
        if COMMON.isdisjoint(each.opts)
    ]
    if rows:
        yield "\n".join((*_table(("argument or option", "meaning"), rows), ""))
    for each in getattr(command, "commands", {}).values():
        yield from _command(each, f"{name} {each.name}")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in row)} |"


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


def _default(value: Any) -> str:
    return str(getattr(value, "value", value)) or " "


def _kept(topic: Topic) -> str:
    return "compacted" if topic.kept is None else f"{topic.kept.days} days"


def _value_of(topic: Topic) -> str:
    return topic.event.__name__ if topic.event else "LoanApplication, or its bytes as they came"
