"""The drift agent end to end through real Kafka, against the worker: applications that wait, and their decisions.

The worker answers them first, so with decisions the agent has twice as many records to count. Each round has a
stack of its own: what an agent counted once lies in Kafka, and would not be counted again.
"""

import time
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Final

from loanctl.stack.ports import free_ports
from tests.bench.measurement import Line, line
from tests.bench.stage import AnswerCount, DrainRate, Stage, drain_rate, stage

WAITING: Final = 600_000
LONGEST_S: Final = 60.0
ROUNDS: Final = 2
ASK_EVERY_S: Final = 0.2
"""Telling of its metrics takes an agent milliseconds of its one core."""
NAME: Final = "drift agent drain, against the worker, XGBoost depth 4 x 200"


class AgentCount:
    """How many applications an agent has counted, by its own metrics; 0 while it starts."""

    def __init__(self, port: int, *, with_decisions: bool) -> None:
        self._url = f"http://127.0.0.1:{port}/metrics"
        self._sources = ("applications", "decisions") if with_decisions else ("applications",)

    def __call__(self) -> int:
        """A moment later, so that it is not asked too often."""
        time.sleep(ASK_EVERY_S)
        try:
            with urllib.request.urlopen(self._url, timeout=5) as answer:  # noqa: S310 - our own
                lines = answer.read().decode().splitlines()
        except OSError:
            return 0
        names = [f'loan_drift_records_total{{source="{source}"}}' for source in self._sources]
        found = [float(row.rpartition(" ")[2]) for row in lines if row.startswith(tuple(names))]
        return int(min(found, default=0.0))


def lines() -> Iterator[Line]:
    """Applications a second, and processor time for one: alone, and each with its decision."""
    for what, with_decisions in (("applications", False), ("applications with their decisions", True)):
        pairs = [_round(with_decisions=with_decisions) for _ in range(ROUNDS)]
        rates = [(agent.per_second, worker.per_second) for agent, worker in pairs]
        spent = [(agent.processor_us, worker.processor_us) for agent, worker in pairs]
        name = f"{NAME}, {what}"
        yield line(name, "applications/s", "worker, exactly once", rates, rate=True)
        yield line(f"{name}, processor", "us/application", "worker, exactly once", spent)


def _round(*, with_decisions: bool) -> tuple[DrainRate, DrainRate]:
    with stage() as here:
        here.champion(4, 200)
        here.load(WAITING)
        worker = _worker(here)
        return _agent(here, with_decisions=with_decisions), worker


def _agent(here: Stage, *, with_decisions: bool) -> DrainRate:
    [port] = free_ports(1)
    settings = {
        "loan_web_port": port,
        "loan_cache_dir": here.folder / "cache",
        "loan_log_level": "warning",
        "loan_with_decisions": with_decisions,
        # A look at the loans is no counting.
        "loan_performance_every_s": 0,
    }
    with here.contender("drift", **settings) as process:
        return drain_rate([process], AgentCount(port, with_decisions=with_decisions), WAITING, LONGEST_S)


def _worker(here: Stage) -> DrainRate:
    group = f"bench-{uuid.uuid4().hex[:8]}"
    with here.contender("streams", **here.worker_settings(group, delivery="exactly_once")) as process:
        return drain_rate([process], AnswerCount(here, group), WAITING, LONGEST_S)
