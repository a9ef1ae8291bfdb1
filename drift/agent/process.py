"""The drift agent's process: its parts, and how they start and stop."""

import structlog

from drift.agent.agent import Agent
from drift.metrics import DriftMetrics
from drift.settings import DriftSettings
from streams.runtime import health_server, logs
from streams.runtime.lifecycle import IDLE_STOP_S, leave_within
from streams.runtime.stop_signal import StopSignal

log = structlog.get_logger(__name__)


def run(stop: StopSignal) -> None:
    """From the settings to the last turn.

    Raises:
        SetupError: a person must act.
        StoppedError: the process stops before there is a champion.
    """
    settings = DriftSettings.read()
    logs.configure(settings.log_level, "drift-agent")
    agent = Agent(settings, DriftMetrics(settings.topics()))

    def leave() -> None:
        agent.lifecycle.stopping.set()
        # A turn is a transaction or nothing, and a client whose broker is away may hang in its farewell.
        leave_within(IDLE_STOP_S, status=0)

    with health_server.serve(settings.drift_port, settings.web_host, agent.health) as server:
        log.info("web.listening", url=server.url)
        stop.hand_over(leave)
        agent.run()
