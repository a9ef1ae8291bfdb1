"""An interpreter that has imported what processes under test are made of, and forks them: alone each takes seconds.

`python -m tests.system.fork_server` reads requests from its input, a line of JSON each, and forks a child for each one.
It writes a line when a child has begun, and one when it has ended, and ends with its input. A child runs the `main` of
a module as `python -m` would: its own variables, folder, session and log, and an interpreter that ends as usual.
"""

import gc
import importlib
import json
import os
import selectors
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
MAINS: Final = {
    "streams": ("streams.__main__", "streams.worker.process", "streams.worker.faust_app"),
    "drift": ("drift.__main__", "drift.agent.process"),
    "training": ("training.__main__", "mlflow", "training.service.process", "training.trainer"),
    "ledger": ("ledger.__main__", "ledger.process"),
    "gateway": ("gateway.__main__", "gateway.process"),
    "tests.system.faulty_process": ("tests.system.faulty_process",),
}
"""Modules that are forked: where their `main` is, and what it imports as it runs."""
IMPORT_TIME: Final = {"OMP_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""Variables that libraries read as they are imported: no threads, of which a fork takes none along."""
START_S: Final = 120.0
"""For the first child, which waits for the imports."""
INPUT: Final = 0


@dataclass(frozen=True, slots=True)
class ForkRequest:
    module: str
    """One of `MAINS`."""
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    log: str


class ForkedProcess:
    """A child of the fork server; what `subprocess.Popen` offers of a child of ours."""

    def __init__(self, pid: int, ended: "Future[int]") -> None:
        self.pid = pid
        self._ended = ended

    @property
    def returncode(self) -> int | None:
        """Exit status, negative for a signal; None while it runs."""
        return self._ended.result() if self._ended.done() else None

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        try:
            return self._ended.result(timeout)
        except TimeoutError:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0) from None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


class ForkServer:
    """The server's other end, in the tests' process. Used from one thread."""

    def __init__(self) -> None:
        environment = {**os.environ, **IMPORT_TIME}
        self._server = subprocess.Popen(
            (sys.executable, "-m", __name__), cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._begun: SimpleQueue[ForkedProcess] = SimpleQueue()
        threading.Thread(target=self._listen, name="fork server", daemon=True).start()

    def start(self, request: ForkRequest) -> ForkedProcess:
        """Fork a child; returns as soon as it has begun."""
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(asdict(request)).encode() + b"\n")
        self._server.stdin.flush()
        return self._begun.get(timeout=START_S)

    def close(self) -> None:
        """Let it end; children that still run are left to whoever started them."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait()

    def _listen(self) -> None:
        assert self._server.stdout is not None
        ends: dict[int, Future[int]] = {}
        for line in self._server.stdout:
            event = json.loads(line)
            pid = event["pid"]
            if "status" in event:
                ends.pop(pid).set_result(event["status"])
            else:
                ends[pid] = Future()
                self._begun.put(ForkedProcess(pid, ends[pid]))


def preload(*modules: str) -> None:
    """Import what these would import, and load the kernels; starts no thread and opens nothing."""
    from tests import warm

    for module in modules:
        for name in MAINS[module]:
            importlib.import_module(name)
    warm.main()


def main() -> int:
    """In the server, 0 at the end of its input; in each child, its own exit status."""
    preload(*MAINS)
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a fork takes no threads along"
    # A child's collections leave alone what it shares with the server.
    gc.freeze()
    asked = _serve()
    if asked is None:
        return 0
    _become(asked)
    return int(importlib.import_module(MAINS[asked.module][0]).main())


def _serve() -> ForkRequest | None:
    """Fork what is asked for; a child's request in the child, None in the server at the end of its input."""
    with selectors.DefaultSelector() as selector:
        selector.register(INPUT, selectors.EVENT_READ)
        rest = b""
        while True:
            for key, _ in selector.select():
                if key.fd != INPUT:
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    _report_end(key.data)
                    continue
                if not (read := os.read(INPUT, 1 << 16)):
                    return None
                *lines, rest = (rest + read).split(b"\n")
                for line in lines:
                    child = os.fork()
                    if child == 0:
                        _forget(selector)
                        return ForkRequest(**json.loads(line))
                    _tell(pid=child)
                    selector.register(os.pidfd_open(child), selectors.EVENT_READ, child)


def _forget(selector: selectors.BaseSelector) -> None:
    """In a child: the server's other children are none of its own."""
    for key in list(selector.get_map().values()):
        if key.fd != INPUT:
            os.close(int(key.fd))


def _report_end(pid: int) -> None:
    _, status = os.waitpid(pid, 0)
    _tell(pid=pid, status=os.waitstatus_to_exitcode(status))


def _tell(**event: Any) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def _become(asked: ForkRequest) -> None:
    os.setsid()
    silence, log = os.open(os.devnull, os.O_RDONLY), os.open(asked.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for descriptor, number in ((silence, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, number)
    os.close(silence)
    os.close(log)
    os.environ.clear()
    os.environ.update(asked.environment)
    os.chdir(asked.folder)
    sys.argv = [asked.module, *asked.arguments]


if __name__ == "__main__":
    sys.exit(main())
