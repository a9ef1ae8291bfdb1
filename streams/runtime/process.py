"""Runs a process from its first line to its exit status.

0 after a requested stop, 1 for a crash (a supervisor starts it again), 2 for a fault of its set-up.
"""

import sys
from collections.abc import Callable
from typing import Final

import structlog

from schemas.errors import SetupError, StoppedError
from schemas.urls import mask_credentials
from streams.runtime.terminal import printable

STOPPED: Final = 0
CRASHED: Final = 1
MISCONFIGURED: Final = 2

log = structlog.get_logger(__name__)


def exit_status(process: str, run: Callable[[], None]) -> int:
    """Run a process to its end; a fault that a person must fix gives one line.

    Args:
        process: its name, for that line.
        run: returns, or raises StoppedError, after a requested stop.
    """
    try:
        run()
    except SetupError as fault:
        sys.stderr.write(f"{process}: {printable(mask_credentials(str(fault) or type(fault).__name__))}\n")
        return MISCONFIGURED
    except StoppedError:
        pass
    except Exception as fault:
        log.exception("process.crashed", error=type(fault).__name__)
        return CRASHED
    log.info("process.stopped")
    return STOPPED
