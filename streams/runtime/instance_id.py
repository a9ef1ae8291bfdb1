"""A worker's name: stable over its restarts, and of one living worker only.

Static membership and transactions go by it. Two living workers of one name would throw each other out
for ever, so the name is held by a file lock, which the system lets go when a process dies, however
it dies.
"""

import fcntl
import itertools
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.errors import SetupError

MOST_WORKERS: Final = 1_000


class NameTakenError(SetupError):
    """Another living worker on this machine has the name."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A name, ours for as long as this process lives."""

    name: str
    lock: int
    """File descriptor; never closed."""


def claim(folder: Path, group: str, name: str = "") -> Instance:
    """The name given, or the host's and the first number that no living worker of the group here has.

    Raises:
        NameTakenError: a living worker has it.
    """
    place = folder / "instances" / group
    place.mkdir(parents=True, exist_ok=True)
    host = socket.gethostname()
    names = [name] if name else (f"{host}-{number}" for number in itertools.count())
    for each in itertools.islice(names, MOST_WORKERS):
        lock = _locked(place / each)
        if lock is not None:
            return Instance(each, lock)
    problem = f"a living worker on this machine has the instance id {name!r} in group {group}: give each its own"
    raise NameTakenError(problem)


def _locked(path: Path) -> int | None:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
