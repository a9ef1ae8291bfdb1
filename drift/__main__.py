"""The drift agent's process: `python -m drift`.

Exit status: 0 when told to stop, 1 for a crash (a supervisor starts it again), 2 for a fault in how it is set up.
"""

import signal
import sys
from typing import Final

import structlog

from drift.agent.agent import Agent
from drift.metrics import Metrics
from drift.settings import DriftSettings
from schemas.errors import LoanError, SetupError
from streams.runtime import health_server, logs
from streams.runtime.lifecycle import StoppedError

MISCONFIGURED: Final = 2

log = structlog.get_logger(__name__)


def main() -> int:
    """Run until told to stop; the exit status."""
    try:
        settings = DriftSettings.read()
        logs.configure(settings.log_level, "drift-agent")
        _run(settings)
    except SetupError as fault:
        sys.stderr.write(f"drift agent: {fault}\n")
        return MISCONFIGURED
    except StoppedError:
        log.info("agent.stopped")
    return 0


def _run(settings: DriftSettings) -> None:
    agent = Agent(settings, Metrics(settings.topics()))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.situation.stopping.set())
    with health_server.serve(settings.web_port, settings.web_host, agent.health) as server:
        log.info("web.listening", url=server.url)
        agent.run()
    log.info("agent.stopped")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LoanError as fault:
        log.exception("agent.crashed", fault=type(fault).__name__)
        sys.exit(1)
