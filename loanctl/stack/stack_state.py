"""What a state folder remembers of its stack, so that a later command, or one after a crash, finds it.

```
.loan/stack.json   endpoints, ports and processes
.loan/lock         held while a stack is started or stopped; the system lets go of it on a crash
.loan/log/         what the services wrote
.loan/kafka/ ...   their data
```
"""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

from loanctl.stack.processes import RunningProcess
from schemas.errors import SetupError

DEFAULT_STATE_DIR: Final = Path(".loan")
FILE: Final = "stack.json"
OWNER_ONLY: Final = 0o600
APPLICATIONS: Final = frozenset({"ledger", "gateway"})
"""Processes of ours beside the servers: without them the stack is up all the same."""


class BusyError(SetupError):
    """Another command is starting or stopping this very stack."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where to find the three; as the settings of the same names take them."""

    bootstrap_servers: str
    registry_url: str
    mlflow_uri: str


@dataclass(frozen=True, slots=True)
class State:
    """One stack: where it answers, and the processes that were started for it."""

    endpoints: Endpoints
    ports: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """By service; a restart takes the same where they are free, so that settings stay right."""
    running: tuple[RunningProcess, ...] = ()

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            endpoints=Endpoints(**document["endpoints"]),
            ports={name: tuple(ports) for name, ports in document["ports"].items()},
            running=tuple(RunningProcess(**process) for process in document["running"]),
        )

    def with_process(self, running: RunningProcess) -> Self:
        """The same, a process of that name replaced or added."""
        others = tuple(process for process in self.running if process.name != running.name)
        return replace(self, running=(*others, running))

    def up(self) -> bool:
        """Whether every server still runs. A stack all of whose parts are given is up."""
        return all(process.alive() for process in self.running if process.name not in APPLICATIONS)


def read(state_dir: Path) -> State | None:
    """The stack of a folder, running or not; None where there is none, or its file is damaged."""
    try:
        return State.of(json.loads((state_dir / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(state_dir: Path, state: State) -> None:
    """Remember a stack; whole or not at all."""
    state_dir.mkdir(parents=True, exist_ok=True)
    draft = state_dir / f"{FILE}.draft"
    # Endpoints may hold credentials.
    draft.touch(OWNER_ONLY)
    draft.write_text(json.dumps(asdict(state), indent=2) + "\n", encoding="utf-8")
    draft.replace(state_dir / FILE)


@contextmanager
def lock_state(state_dir: Path) -> Iterator[None]:
    """Hold the folder against other commands.

    Raises:
        BusyError: one holds it.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            problem = f"another command is starting or stopping the stack of {state_dir}"
            raise BusyError(problem) from None
        yield
