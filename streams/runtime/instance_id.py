"""A process's instance name: stable over its restarts, and of one running process only.

Static membership and transactions use it. Two running processes of one name would fence each other for ever.
Within a cache folder a file lock holds the name; the system releases it when the process dies, for any cause. If no
name is configured, one is generated once and kept in that file, so it is unique and survives restarts: two caches on
one host, or two hosts of one name, generate different ones. A configured name may be in use on another host:
`streams.kafka.group.duplicate_instance`.
"""

import fcntl
import os
import re
import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from schemas.errors import SetupError

MOST_PROCESSES: Final = 1_000
LEGAL: Final = re.compile(r"[A-Za-z0-9._-]{1,200}")
"""Kafka's alphabet; of its 249 characters the group's name before a transactional id takes some."""
STANDBY_POLL_S: Final = 1.0

log = structlog.get_logger(__name__)


class NameTakenError(SetupError):
    """Another living process has the name."""


class UnfitNameError(SetupError):
    """A name cannot be one, or cannot be kept."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A name, reserved for the lifetime of this process."""

    name: str
    lock: int
    """File descriptor; never closed."""

    def transactional_id(self, group: str) -> str:
        return f"{group}.{self.name}"

    def remember_member(self, member_id: str) -> None:
        """Store this member's id in the group, for the successor in this folder."""
        _write(self.lock, f"{_identity(self.lock)[0]}\n{member_id}")

    def last_member(self) -> str:
        """Member id of this folder's last process of this name; empty if none is known."""
        return _identity(self.lock)[1]


def claim(folder: Path, group: str, name: str = "", *, standby: bool = False) -> Instance:
    """The name given, or the first one kept in the folder that no living process of the group has.

    Args:
        folder: the cache folder.
        group: names are unique within it.
        name: empty for one that is made and kept.
        standby: wait while a living process has the name, instead of raising.

    Raises:
        NameTakenError: a living process on this machine has it.
        UnfitNameError: it is no name, or the folder cannot be written.
    """
    if name and not LEGAL.fullmatch(name):
        problem = f"instance id {name!r} is no name: 1 to 200 of A-Z a-z 0-9 . _ -"
        raise UnfitNameError(problem)
    waits = False
    while (held := _claim_file(folder / "instances" / group, name)) is None:
        if not standby:
            problem = f"a living process on this machine has the instance id {name!r} in group {group}"
            advice = f"{problem}: give each its own, or set LOAN_STANDBY=true"
            raise NameTakenError(advice)
        if not waits:
            log.info("standby.started", instance=name, group=group)
            waits = True
        time.sleep(STANDBY_POLL_S)
    log.info("instance.claimed", instance=held.name, group=group)
    return held


def _claim_file(place: Path, name: str) -> Instance | None:
    files = [place / f"{name}.name"] if name else [place / f"{n}.kept" for n in range(MOST_PROCESSES)]
    try:
        place.mkdir(parents=True, exist_ok=True)
        return next(filter(None, (_of_file(each, name) for each in files)), None)
    except OSError as cause:
        problem = f"{place}: the process's name cannot be kept here ({cause.strerror}); set LOAN_CACHE_DIR"
        raise UnfitNameError(problem) from cause


def _of_file(path: Path, name: str) -> Instance | None:
    lock = _lock(path)
    if lock is None:
        return None
    kept, member = _identity(lock)
    if not LEGAL.fullmatch(kept) or (name and name != kept):
        kept = name or f"{_host()}-{secrets.token_hex(4)}"
        _write(lock, f"{kept}\n{member}")
    return Instance(kept, lock)


def _identity(lock: int) -> tuple[str, str]:
    name, _, member = os.pread(lock, 1_000, 0).decode("ascii", "replace").partition("\n")
    return name, member


def _write(lock: int, text: str) -> None:
    # Longer before shorter: what a crash leaves between the two calls still begins with the name.
    os.pwrite(lock, text.encode("ascii", "replace"), 0)
    os.ftruncate(lock, len(text))


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:100]


def _lock(path: Path) -> int | None:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
