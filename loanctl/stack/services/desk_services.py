"""The ledger and the gateway of a local stack: what people look at. They need topics and schemas, so they start last.

They read the caller's settings, except for the addresses of the stack's own parts.
"""

import fcntl
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loanctl.stack import stack_state
from loanctl.stack.artifact_cache import cache_dir
from loanctl.stack.local_stack import LocalStack
from loanctl.stack.ports import HOST, free_ports, is_free
from loanctl.stack.processes import Command
from loanctl.stack.progress import ProgressReporter
from loanctl.stack.services.stack_service import quietly
from loanctl.stack.stack_state import State

PORTS: Final[Mapping[str, int]] = {"ledger": 8105, "gateway": 8104}
"""Wished for: those that the pages of the documentation name."""
PROBE_TIMEOUT_S: Final = 2.0


def ledger_url(state_dir: Path) -> str:
    return f"sqlite:///{state_dir.absolute() / 'ledger.db'}"


@dataclass(frozen=True, slots=True)
class Application:
    """One process of ours, started as a service of the stack."""

    name: str
    """Its package, too."""
    title: str
    ports: tuple[int, ...]
    log_dir: Path
    settings: Mapping[str, str]
    """`LOAN_...` variables beside those of our environment."""
    patience_s: float = 120.0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.ports[0]}"

    def prepare(self) -> None:
        self.log_dir.mkdir(parents=True, exist_ok=True)

    def command(self) -> Command:
        own = {f"LOAN_{self.name.upper()}_PORT": str(self.ports[0])}
        environment = {**os.environ, **self.settings, **own}
        return Command(self.name, (sys.executable, "-m", self.name), self.log_dir / f"{self.name}.log", environment)

    def ready(self) -> bool:
        """Whether it answers: it may still wait for a champion."""
        return quietly(self._healthy, OSError, ValueError)

    def _healthy(self) -> bool:
        with urllib.request.urlopen(f"{self.url}/health", timeout=PROBE_TIMEOUT_S) as answer:  # noqa: S310 - ours
            return bool(answer.status == 200)  # noqa: PLR2004 - OK


def start_applications(
    state_dir: Path, endpoints: Mapping[str, str], telling: ProgressReporter, stack: LocalStack | None = None
) -> None:
    """Start the ledger and the gateway of a folder's running stack, as far as they do not run. Idempotent.

    Args:
        endpoints: its own, as `LOAN_...` variables.
        stack: the running one, where this process started it; it stops them, too.

    Raises:
        BusyError: another command is at it.
        DiedError, SlowStartError: one did not come up.
    """
    with stack_state.lock_state(state_dir), _claimed_ports(cache_dir(os.environ)):
        found = stack_state.read(state_dir)
        if found is None:
            return
        alive = {process.name for process in found.running if process.alive()}
        wanted = _applications(_ports(found), state_dir, endpoints)
        running = stack or LocalStack.resume(state_dir, found)
        running.add([each for each in wanted if each.name not in alive], telling)


@contextmanager
def _claimed_ports(folder: Path) -> Iterator[None]:
    """One stack at a time chooses ports and binds them.

    Two that start together would find the documented ports free, and the second would take the first's
    answer for its own. The wait is bounded by the patience of the one before; a crash lets go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "ports.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _applications(
    ports: Mapping[str, tuple[int, ...]], state_dir: Path, endpoints: Mapping[str, str]
) -> tuple[Application, ...]:
    """Both, in the order they start.

    Args:
        endpoints: the stack's, as `LOAN_...` variables.
    """
    settings = {**endpoints, "LOAN_LEDGER_URL": ledger_url(state_dir), "LOAN_GATEWAY_HOST": HOST}
    titles = {"ledger": "The ledger", "gateway": "The gateway and the desk"}
    return tuple(Application(name, title, ports[name], state_dir / "log", settings) for name, title in titles.items())


def _ports(previous: State | None) -> dict[str, tuple[int, ...]]:
    """Ports of the ledger and the gateway: those of before, else those that the documentation names, else any."""
    found = {}
    for name, wished in PORTS.items():
        earlier = previous.ports.get(name, ()) if previous else ()
        found[name] = next((ports for ports in (earlier, (wished,)) if ports and is_free(ports[0])), free_ports(1))
    return found
