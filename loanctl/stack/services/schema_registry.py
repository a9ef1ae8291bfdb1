"""Apicurio Registry, spoken to by the API of Confluent's registry; its schemas lie in a file beside Kafka's data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from loanctl.stack.artifacts import REGISTRY_VERSION
from loanctl.stack.ports import HOST
from loanctl.stack.processes import Command
from loanctl.stack.services.stack_service import bare_environment, java, quietly

HEAP_MB: Final = 192
CONFLUENT_API: Final = "/apis/ccompat/v7"
PROBE_TIMEOUT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class SchemaRegistryServer:
    """A schema registry with its database in `folder`; `content` is the unpacked archive."""

    folder: Path
    log_dir: Path
    ports: tuple[int, ...]
    """Of the API, and of health and metrics."""
    content: Path
    name: str = "registry"
    title: str = f"Apicurio Registry {REGISTRY_VERSION}"
    patience_s: float = 90.0

    @property
    def url(self) -> str:
        """Where Confluent's clients find what they expect."""
        return f"http://{HOST}:{self.ports[0]}{CONFLUENT_API}"

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def command(self) -> Command:
        """The registry's command line; its settings are variables."""
        log = self.log_dir / "registry.log"
        return Command(
            self.name,
            (*java(HEAP_MB, log), "-jar", str(self.content / "quarkus-run.jar")),
            log,
            bare_environment(self._settings()),
        )

    def ready(self) -> bool:
        return quietly(self._lists, httpx2.TransportError)

    def _lists(self) -> bool:
        return httpx2.get(f"{self.url}/subjects", timeout=PROBE_TIMEOUT_S).is_success

    def _settings(self) -> dict[str, str]:
        port, management_port = self.ports
        return {
            "QUARKUS_HTTP_HOST": HOST,
            "QUARKUS_HTTP_PORT": str(port),
            "QUARKUS_MANAGEMENT_HOST": HOST,
            # 9000 by default, which two stacks on one machine would fight over.
            "QUARKUS_MANAGEMENT_PORT": str(management_port),
            "QUARKUS_HTTP_ACCESS_LOG_ENABLED": "false",
            "QUARKUS_LOG_CATEGORY__IO_APICURIO__LEVEL": "WARN",
            # In memory by default: a second start would have lost every schema.
            "APICURIO_DATASOURCE_URL": f"jdbc:h2:file:{self.folder.absolute()}/registry;DB_CLOSE_ON_EXIT=FALSE",
        }
