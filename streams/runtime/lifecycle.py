"""State of a process: its stage, unavailable dependencies, its stop flag; retries with backoff.

Any thread may report, and any thread may read. Each outage is logged once when it begins and once when it ends.
"""

import os
import threading
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import structlog

from schemas.errors import LoanError, OutageError, StoppedError

FIRST_WAIT_S: Final = 0.2
LONGEST_WAIT_S: Final = 5.0
"""A dependency that recovers should neither wait long for this process nor be overloaded by it."""
STOP_S: Final = 9.0
"""After which a process that hangs in its stop is ended: an operator, and `docker stop`, wait for ten seconds. A batch
in flight takes milliseconds; one whose broker hangs is answered again by the successor."""
IDLE_STOP_S: Final = 8.0
"""With nothing in hand there is nothing to finish; what hangs then is a client whose broker is away."""
STUCK_S: Final = 120.0
"""Many times what a batch, a turn and a transaction's time-outs take together."""

Answer = TypeVar("Answer")

log = structlog.get_logger(__name__)


class Lifecycle:
    """Shared by the threads of one process."""

    def __init__(self, began: Callable[[str], None] = lambda _dependency: None) -> None:
        """All well so far.

        Args:
            began: called with the dependency's name when an outage begins.
        """
        self.stopping = threading.Event()
        self._began = began
        self._stage = "starting"
        self._away: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def stage(self) -> str:
        return self._stage

    @property
    def away(self) -> Mapping[str, str]:
        """Dependencies that are away, each with its error."""
        with self._lock:
            return dict(self._away)

    def at(self, stage: str) -> None:
        """The process is at another stage now."""
        if stage != self._stage:
            self._stage = stage
            log.info("stage.changed", stage=stage)

    def report_outage(self, dependency: str, fault: LoanError) -> None:
        """A dependency does not answer, or refuses this process during its work."""
        kind = ": ".join(filter(None, (type(fault).__name__, str(fault))))
        with self._lock:
            known = dependency in self._away
            self._away[dependency] = kind
        if not known:
            self._began(dependency)
            log.warning("dependency.lost", dependency=dependency, error=kind)

    def report_recovery(self, dependency: str) -> None:
        with self._lock:
            was_away = self._away.pop(dependency, None)
        if was_away:
            log.info("dependency.found", dependency=dependency)

    def report_full_recovery(self) -> None:
        """Work that needs every dependency succeeded."""
        for dependency in self.away:
            self.report_recovery(dependency)

    def is_live(self, busy_s: float) -> bool:
        """False if one act takes minutes while every dependency answers: only a restart helps.

        Args:
            busy_s: how long the act under way has taken, in seconds; 0 between two.
        """
        return busy_s < STUCK_S or bool(self.away)

    def wait_out(self, fault: OutageError, waits: "Backoff") -> None:
        """Report an outage and wait for the next attempt; returns at once if a stop is requested."""
        self.report_outage(fault.dependency, fault)
        self.stopping.wait(waits.next())

    def retry(
        self, dependency: str, act: Callable[[], Answer], worthwhile: Callable[[], bool] = lambda: True
    ) -> Answer:
        """The result of `act`, however often the dependency is unavailable until then.

        Raises:
            StoppedError: a stop is requested, or the act is no longer worthwhile.
        """
        waits = Backoff()
        while True:
            try:
                answer = act()
            except OutageError as fault:
                self.report_outage(dependency, fault)
            else:
                self.report_recovery(dependency)
                return answer
            if self.stopping.wait(waits.next()) or not worthwhile():
                raise StoppedError


class Backoff:
    """Waits that double, from `FIRST_WAIT_S` to `LONGEST_WAIT_S`."""

    def __init__(self) -> None:
        self._wait = FIRST_WAIT_S / 2

    def next(self) -> float:
        self._wait = min(self._wait * 2, LONGEST_WAIT_S)
        return self._wait

    def reset(self) -> None:
        self._wait = FIRST_WAIT_S / 2


def leave_within(seconds: float, status: int = 1) -> None:
    """Leave by force where a stop hangs: nothing uncommitted is lost, and a supervisor waits for our exit.

    Args:
        status: the exit status; 0 where all that matters is done.
    """

    def leave() -> None:
        log.warning("stop.forced", after_s=seconds)
        os._exit(status)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()
