"""Processes that we start, know again after a crash, and stop with all their children.

A process is known by its id *and* by when it was born: an id alone may belong to another process by now.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.errors import SetupError

POLL_S: Final = 0.05
STOP_PATIENCE_S: Final = 10.0
"""Kafka closes its logs in under a second; a process that takes ten is stuck."""
TAIL_LINES: Final = 5


class DiedError(SetupError):
    """A process of the stack ended while it was being started."""


@dataclass(frozen=True, slots=True)
class Command:
    """How to start a process. Its output is appended to `log`."""

    name: str
    argv: tuple[str, ...]
    log: Path
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """A process that was started, and leads a process group of its own."""

    name: str
    pid: int
    born: str
    """When it was started, by the system's own reckoning; opaque."""
    log: str

    def alive(self) -> bool:
        """Whether this very process still runs."""
        _reap(self.pid)
        return birth(self.pid) == self.born

    def kill(self) -> None:
        """End the group at once, as a crash would; returns when it is gone."""
        self._signal(signal.SIGKILL)
        self._gone_within(STOP_PATIENCE_S)

    def freeze(self) -> None:
        """Hold the group still (SIGSTOP): its connections stay open, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen group go on."""
        self._signal(signal.SIGCONT)

    def stop(self, patience_s: float = STOP_PATIENCE_S) -> None:
        """Ask the group to end, and insist after `patience_s`. Does nothing to one that has ended."""
        self._signal(signal.SIGTERM)
        if not self._gone_within(patience_s):
            self.kill()

    def tail(self) -> str:
        """The last lines it wrote, for an error message."""
        try:
            lines = Path(self.log).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-TAIL_LINES:])

    def _signal(self, number: signal.Signals) -> None:
        if self.alive():
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                return

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True


def start(command: Command) -> RunningProcess:
    """Start a process in a session of its own, so that a Ctrl-C meant for us does not reach it."""
    command.log.parent.mkdir(parents=True, exist_ok=True)
    with command.log.open("ab") as log:
        child = subprocess.Popen(  # noqa: S603 - commands are built by us
            command.argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=dict(command.environment),
            start_new_session=True,
        )
    running = RunningProcess(command.name, child.pid, birth(child.pid), str(command.log))
    # It may outlive us on purpose: Popen would warn of that when it is collected.
    child.returncode = 0
    return running


def birth(pid: int) -> str:
    """When a process began, as an opaque word; empty where there is none, or only its remains."""
    return _birth_by_proc(pid) if sys.platform == "linux" else _birth_by_ps(pid)


def _birth_by_proc(pid: int) -> str:
    process = Path("/proc") / str(pid)
    try:
        stat = (process / "stat").read_text(encoding="utf-8", errors="replace")
        threads = len(list((process / "task").iterdir()))
    except OSError:
        return ""
    # The second field is a name in parentheses that may hold anything; state is the third, start time the 22nd.
    fields = stat.rpartition(")")[2].split()
    # A killed process is called a zombie as soon as its first thread has ended, while others still hold its ports.
    return "" if fields[0] in "ZX" and threads <= 1 else fields[19]


def _birth_by_ps(pid: int) -> str:
    listed = subprocess.run(  # noqa: S603 - a number is all that varies
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return "" if listed.startswith("Z") else listed.partition(" ")[2].strip()


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # not ours, or reaped already
        return
