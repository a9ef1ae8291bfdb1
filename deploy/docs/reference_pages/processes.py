"""What operates the processes: settings, metrics, commands."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final

import click

from loanctl.cli import COMMANDS
from loanctl.commands.cluster.settings import PLACES
from loanctl.documents.exported_metrics import exported_metrics
from reference_pages.markdown import table
from reference_pages.topics import PRODUCT
from schemas.contract import contract as contracts

COMMON: Final = frozenset({"--help", "--install-completion", "--show-completion"})


def settings_page() -> str:
    return "# Settings\n\n" + "\n".join(_settings_sections())


def metrics_page() -> str:
    return "# Metrics\n\n" + "\n".join(_metric_sections())


def commands_page() -> str:
    sections = (_command(line.load(), f"loanctl {line.name}") for line in COMMANDS)
    return "# Commands\n\n" + "\n".join(part for section in sections for part in section)


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
        yield "\n".join((f"## {title}\n", *table(("setting", "default", "meaning"), rows), ""))


def _metric_sections() -> Iterator[str]:
    for process, metrics in exported_metrics(contracts.load(PRODUCT)).items():
        rows = [(f"`{metric.name}`", metric.type, metric.documentation) for metric in metrics]
        yield "\n".join((f"## {process}\n", *table(("metric", "type", "meaning"), rows), ""))


def _command(command: click.Command, name: str) -> Iterator[str]:
    yield f"## {name}\n\n{command.help or ''}\n"
    rows = [
        (f"`{' / '.join((*each.opts, *each.secondary_opts))}`", getattr(each, "help", "") or "")
        for each in command.params
        if COMMON.isdisjoint(each.opts)
    ]
    if rows:
        yield "\n".join((*table(("argument or option", "meaning"), rows), ""))
    for each in getattr(command, "commands", {}).values():
        yield from _command(each, f"{name} {each.name}")


def _default(value: Any) -> str:
    return str(getattr(value, "value", value)) or " "
