"""Processes under test: started as an operator would, stopped, killed and frozen as fate would, never left behind.

Those of this project are forked from an interpreter that has imported them already (`tests.system.fork_server`);
`start_anew` is for where the start itself is the matter.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from loanctl.stack.process_guard import ProcessGuard
from loanctl.stack.processes import RunningProcess, birth
from tests.system.commands import CompletedCommand, run_command, variables_of
from tests.system.fork_server import ForkedProcess, ForkRequest, ForkServer

TAIL_LINES = 40
STOP_TIMEOUT_S = 20.0


@dataclass
class ProcessUnderTest:
    name: str
    popen: "subprocess.Popen[bytes] | ForkedProcess"
    log: Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    def alive(self) -> bool:
        return self.popen.poll() is None

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def tail(self) -> str:
        return "\n".join(self.output().splitlines()[-TAIL_LINES:])

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """Ask it to end (SIGTERM), and its exit status; a failing test where it does not listen."""
        self.popen.send_signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def kill(self) -> None:
        """End it and its children at once (SIGKILL)."""
        # A child of the fork server may have ended before that says so.
        with suppress(ProcessLookupError):
            if self.alive():
                os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait()

    def freeze(self) -> None:
        """Hold it still (SIGSTOP): a zombie to its group."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def wait(self, timeout_s: float) -> int:
        try:
            return self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            message = f"{self.name} did not end within {timeout_s} s; its log ends:\n{self.tail()}"
            raise AssertionError(message) from None


@dataclass
class Processes:
    """Starts processes of one test, in one environment."""

    folder: Path
    environment: Mapping[str, str]
    guard: ProcessGuard
    forks: ForkServer | None = None
    """None: every process has an interpreter of its own."""
    started: list[ProcessUnderTest] = field(default_factory=list)

    def start(self, module: str, name: str = "", **settings: object) -> ProcessUnderTest:
        """Start one of our processes ("streams", say), with `LOAN_...` settings by their lower-case names."""
        return self._fork(module, (), name or module, settings)

    def start_anew(self, *arguments: str, **settings: object) -> ProcessUnderTest:
        """The same as `python -m ...`, in an interpreter of its own."""
        return self._launch((sys.executable, "-m", *arguments), arguments[0], variables_of(settings))

    def start_program(self, *command: str, name: str = "", **variables: str) -> ProcessUnderTest:
        """Start another program than a module of ours, with variables besides the environment's."""
        return self._launch(command, name or command[0], variables)

    def faulty(self, module: str, steps: Sequence[str], after: int = 0, **settings: object) -> ProcessUnderTest:
        """A process that raises in each of these steps in turn, and starts again: `tests.system.faulty_process`."""
        return self._fork("tests.system.faulty_process", (module, str(after), *steps), f"{module}-faulty", settings)

    def loanctl(self, *arguments: str, **settings: object) -> CompletedCommand:
        """Run a `loanctl` command to its end, in this process."""
        return run_command(arguments, {**self.environment, **variables_of(settings)}, self.folder)

    def end(self) -> None:
        """End all that still run, and show what each wrote, which pytest prints for a failed test."""
        for each in self.started:
            each.kill()
            sys.stdout.write(f"\n--- {each.name} (pid {each.pid}, exit {each.popen.returncode})\n{each.tail()}\n")

    def _fork(
        self, module: str, arguments: tuple[str, ...], name: str, settings: Mapping[str, object]
    ) -> ProcessUnderTest:
        if self.forks is None:
            return self._launch((sys.executable, "-m", module, *arguments), name, variables_of(settings))
        log, environment = self._log(name), {**self.environment, **variables_of(settings)}
        # Who reads it need not wait for the child's first line.
        log.touch()
        request = ForkRequest(module, arguments, environment, str(self.folder), str(log))
        return self._watch(ProcessUnderTest(name, self.forks.start(request), log))

    def _launch(self, argv: tuple[str, ...], name: str, variables: Mapping[str, str]) -> ProcessUnderTest:
        log = self._log(name)
        with log.open("ab") as file:
            popen = subprocess.Popen(
                argv,
                env={**self.environment, **variables},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        return self._watch(ProcessUnderTest(name, popen, log))

    def _log(self, name: str) -> Path:
        return self.folder / f"{len(self.started)}-{name.replace('/', '-')}.log"

    def _watch(self, process: ProcessUnderTest) -> ProcessUnderTest:
        pid = process.pid
        self.guard.watch(RunningProcess(f"{process.name}-{pid}", pid, birth(pid), str(process.log)))
        self.started.append(process)
        return process


def pause(seconds: float) -> None:
    """Let time pass where a fact is that nothing happens."""
    time.sleep(seconds)
