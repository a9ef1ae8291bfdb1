"""Ends the processes of a stack when the process that started them is gone, however it went.

`ProcessGuard` holds the writing end of a pipe to a small process, `python -m loanctl.stack.process_guard`. When
the pipe closes (we ended, crashed, were killed), that process stops the processes that it knows. A signal
on the parent's death (Linux's PDEATHSIG) would come when the *thread* that started a process ends.
"""

import json
import subprocess
import sys
from dataclasses import asdict
from typing import Self

from loanctl.stack.processes import RunningProcess


class ProcessGuard:
    """Watches over processes for as long as this process lives."""

    def __init__(self) -> None:
        self._watcher = subprocess.Popen(
            [sys.executable, "-m", "loanctl.stack.process_guard"],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def watch(self, running: RunningProcess) -> None:
        """Stop this one, too, when we are gone; replaces an earlier one of the same name."""
        self._tell(json.dumps(asdict(running)))

    def close(self) -> None:
        """Stop everything that is watched, now."""
        assert self._watcher.stdin is not None  # noqa: S101 - for the type checker: we asked for a pipe
        self._watcher.stdin.close()
        self._watcher.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self, line: str) -> None:
        assert self._watcher.stdin is not None  # noqa: S101 - for the type checker: we asked for a pipe
        self._watcher.stdin.write(line + "\n")
        self._watcher.stdin.flush()


def main() -> int:
    """Read of processes until the pipe closes, then stop them, the last started first."""
    watched: dict[str, RunningProcess] = {}
    for line in sys.stdin:
        running = RunningProcess(**json.loads(line))
        watched.pop(running.name, None)
        watched[running.name] = running
    for running in reversed(watched.values()):
        running.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
