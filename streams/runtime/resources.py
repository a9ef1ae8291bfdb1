"""Limits of open resources: a process ends, with a clear line, before a limit leaves it neither working nor ending.

A Kafka client whose broker has gone may hang for good when it is closed, with five threads and three files. Such a
client is abandoned (`streams.runtime.hang_guard`); only a supervisor's restart frees its resources.
"""

import resource
from pathlib import Path
from typing import Final

from schemas.errors import LoanError
from streams.runtime import hang_guard

MOST_LEFT_BEHIND: Final = 12
"""Hanging calls that one process carries with it: some 60 threads."""
SHARE: Final = 0.75
"""Of the open files that are allowed: a session takes some thirty more."""
OPEN_FILES: Final = Path("/proc/self/fd")


class ExhaustedError(LoanError):
    """This process can open no more; its successor can."""


def require_room() -> None:
    """Return while another session can be opened; to be called before each.

    Raises:
        ExhaustedError: clients that hang, or open files, come close to what a process may have.
    """
    left = hang_guard.hung_calls()
    if left > MOST_LEFT_BEHIND:
        problem = f"{left} clients of an unreachable broker hang: this process ends, and its successor begins afresh"
        raise ExhaustedError(problem)
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = sum(1 for _ in OPEN_FILES.iterdir()) if OPEN_FILES.is_dir() else 0
    if files > SHARE * allowed:
        problem = f"{files} of {allowed} files are open: this process ends before none is left (ulimit -n)"
        raise ExhaustedError(problem)
