"""The demo's processes, worker to gateway: started as anyone would start them, and stopped for sure.

They end with the demo however it ends (`loanctl.stack.process_guard`). Their output goes to a file each.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loanctl.stack import processes
from loanctl.stack.ports import HOST, free_ports
from loanctl.stack.process_guard import ProcessGuard
from loanctl.stack.processes import Command, RunningProcess
from schemas.errors import SetupError

MODULES: Final = {
    "worker": ("streams", "LOAN_SCORING_PORT"),
    "drift agent": ("drift", "LOAN_DRIFT_PORT"),
    "trainer": ("training", "LOAN_TRAINER_PORT"),
    "ledger": ("ledger", "LOAN_LEDGER_PORT"),
    "gateway": ("gateway", "LOAN_GATEWAY_PORT"),
}
"""By the name that people know them by: what `python -m` starts, and the setting of its port."""

PATIENCE_S: Final = 90.0
"""The worker compiles its kernels before it is ready: some ten seconds the first time, more on a busy machine."""
ASK_S: Final = 0.1
ASK_TIMEOUT_S: Final = 2.0


class NotReadyError(SetupError):
    """A process ended, or did not get ready in time; names its log and tells its last lines."""

    def __init__(self, running: RunningProcess, what: str) -> None:
        super().__init__(f"the {running.name} {what}; its log, {running.log}, ends:\n{running.tail()}")


@dataclass(frozen=True, slots=True)
class DemoProcess:
    running: RunningProcess
    port: int

    def facts(self) -> dict[str, Any] | None:
        """What it says of itself when asked whether it is ready; None where it does not answer."""
        request = f"http://{HOST}:{self.port}/ready"
        try:
            with urllib.request.urlopen(request, timeout=ASK_TIMEOUT_S) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as refusal:
            with refusal:
                return dict(json.load(refusal))
        except (OSError, ValueError):
            return None

    def await_ready(self, patience_s: float = PATIENCE_S) -> None:
        """Return when it does its work.

        Raises:
            NotReadyError: it ended, or is not ready in time.
        """
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if not self.running.alive():
                raise NotReadyError(self.running, "has ended")
            if (self.facts() or {}).get("ready"):
                return
            time.sleep(ASK_S)
        raise NotReadyError(self.running, f"is not ready after {patience_s:.0f} s")


@contextmanager
def demo_processes(logs: Path, settings: Mapping[str, str]) -> Iterator[dict[str, DemoProcess]]:
    """The processes for the length of a block, by name; none is known to be ready yet.

    Args:
        settings: `LOAN_...` variables beside those of this process' environment.
    """
    with ProcessGuard() as guard:
        members: dict[str, DemoProcess] = {}
        try:
            for (name, (module, variable)), port in zip(MODULES.items(), free_ports(len(MODULES)), strict=True):
                members[name] = _start(name, module, port, logs, {**settings, variable: str(port)})
                guard.watch(members[name].running)
            yield members
        finally:
            with ThreadPoolExecutor() as together:
                list(together.map(lambda member: member.running.stop(), members.values()))


@contextmanager
def visitors_gateway(logs: Path, settings: Mapping[str, str]) -> Iterator[DemoProcess]:
    """A gateway in its demo mode, for the length of a block; not known to be ready yet."""
    with ProcessGuard() as guard:
        own = visitor_settings(settings, os.environ, free_ports(1)[0])
        member = _start("visitors' gateway", "gateway", int(own["LOAN_GATEWAY_PORT"]), logs / "visitors", own)
        guard.watch(member.running)
        try:
            yield member
        finally:
            member.running.stop()


def visitor_settings(settings: Mapping[str, str], environment: Mapping[str, str], port: int) -> dict[str, str]:
    """Settings of the gateway for visitors, at the address that the environment names; else on loopback. Pure.

    Args:
        port: where the environment names none.
    """
    return {
        **settings,
        "LOAN_GATEWAY_DEMO": "true",
        "LOAN_GATEWAY_HOST": environment.get("LOAN_GATEWAY_HOST") or HOST,
        "LOAN_GATEWAY_PORT": environment.get("LOAN_GATEWAY_PORT") or str(port),
    }


def _start(name: str, module: str, port: int, logs: Path, settings: Mapping[str, str]) -> DemoProcess:
    environment = {**os.environ, **settings}
    log = logs / f"{module}.log"
    return DemoProcess(processes.start(Command(name, (sys.executable, "-m", module), log, environment)), port)
