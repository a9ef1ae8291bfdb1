"""The scoring worker's process: `python -m streams`.

Exit status: 0 when told to stop, 1 for a crash (a supervisor starts it again), 2 for a fault in how it is set up.
"""

import sys
from typing import Final

import structlog

from schemas.errors import LoanError, SetupError
from streams.runtime import logs
from streams.runtime.lifecycle import StoppedError
from streams.worker.process import ScoringProcess
from streams.worker.settings import ScoringSettings

MISCONFIGURED: Final = 2

log = structlog.get_logger(__name__)


def main() -> int:
    """Run until told to stop; the exit status."""
    try:
        settings = ScoringSettings.read()
        logs.configure(settings.log_level, "scoring-worker")
        ScoringProcess(settings).run()
    except SetupError as fault:
        sys.stderr.write(f"scoring worker: {fault}\n")
        return MISCONFIGURED
    except StoppedError:
        log.info("worker.stopped")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LoanError as fault:
        log.exception("worker.crashed", fault=type(fault).__name__)
        sys.exit(1)
