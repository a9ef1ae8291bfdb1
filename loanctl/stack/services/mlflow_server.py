"""MLflow on SQLite: by default a file that needs no server, and a real server where one is asked for.

A server takes 30 s and 500 MB to start; the file takes nothing, and every process of one machine
may share it.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from loanctl.stack.ports import HOST
from loanctl.stack.processes import Command
from loanctl.stack.services.stack_service import bare_environment, quietly

PROBE_TIMEOUT_S: Final = 2.0
NO_JOBS: Final = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
"""The server would start seven more processes, of 240 MB each, for jobs that we do not have."""


def store_uri(state_dir: Path) -> str:
    """The tracking URI of a state folder's own SQLite file."""
    return f"sqlite:///{state_dir.absolute() / 'mlflow.db'}"


@dataclass(frozen=True, slots=True)
class MlflowServer:
    """A tracking server over the state folder's SQLite file; artifacts beside it, served by itself."""

    state_dir: Path
    log_dir: Path
    ports: tuple[int, ...]
    name: str = "mlflow"
    title: str = "MLflow server"
    patience_s: float = 180.0
    """It takes 30 s alone on two cores, and it is not alone."""

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.ports[0]}"

    def prepare(self) -> None:
        self._artifacts.mkdir(parents=True, exist_ok=True)

    def command(self) -> Command:
        options = {
            "--backend-store-uri": store_uri(self.state_dir),
            "--artifacts-destination": self._artifacts.absolute().as_uri(),
            "--host": HOST,
            "--port": str(self.ports[0]),
            "--workers": "1",
        }
        flat = [word for option in options.items() for word in option]
        argv = (sys.executable, "-m", "mlflow", "server", *flat)
        return Command(self.name, argv, self.log_dir / "mlflow.log", bare_environment(NO_JOBS))

    def ready(self) -> bool:
        return quietly(self._healthy, httpx2.TransportError)

    @property
    def _artifacts(self) -> Path:
        return self.state_dir / "mlflow-artifacts"

    def _healthy(self) -> bool:
        return httpx2.get(f"{self.url}/health", timeout=PROBE_TIMEOUT_S).is_success
