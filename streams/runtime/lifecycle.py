"""How a process fares: its stage, and which neighbours are away. Told by whoever learns it, asked by the web port.

Also the one way to wait for a neighbour: retry with backoff, lose nothing, say so once.
"""

import os
import threading
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import structlog

from schemas.errors import LoanError, OutageError

FIRST_WAIT_S: Final = 0.2
LONGEST_WAIT_S: Final = 5.0
"""A neighbour that comes back should not wait for us for long, nor be stormed."""
STOP_S: Final = 9.0
"""After which a process that hangs in its stop is ended: an operator, and `docker stop`, wait for ten seconds. A batch
in flight takes milliseconds; one whose broker hangs is answered again by the successor."""
IDLE_STOP_S: Final = 8.0
"""With nothing in hand there is nothing to finish; what hangs then is a client whose broker is away."""

Answer = TypeVar("Answer")

log = structlog.get_logger(__name__)


class StoppedError(LoanError):
    """The process is told to stop; what was begun is left undone."""


class Lifecycle:
    """Shared by the threads of one process."""

    def __init__(self, began: Callable[[str], None] = lambda _neighbour: None) -> None:
        """All well so far.

        Args:
            began: called with the neighbour's name when an outage begins.
        """
        self.stopping = threading.Event()
        self._began = began
        self._stage = "starting"
        self._away: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def stage(self) -> str:
        """What the process is at."""
        return self._stage

    @property
    def away(self) -> Mapping[str, str]:
        """Neighbours that are away, and the kind of error that says so."""
        with self._lock:
            return dict(self._away)

    def at(self, stage: str) -> None:
        """The process is at another stage now."""
        if stage != self._stage:
            self._stage = stage
            log.info("stage.reached", stage=stage)

    def lost(self, neighbour: str, fault: LoanError) -> None:
        """A neighbour does not answer, or refuses us amid our work."""
        kind = ": ".join(filter(None, (type(fault).__name__, str(fault))))
        with self._lock:
            known = neighbour in self._away
            self._away[neighbour] = kind
        if not known:
            self._began(neighbour)
            log.warning("neighbour.lost", neighbour=neighbour, fault=kind)

    def found(self, neighbour: str) -> None:
        """A neighbour answers."""
        with self._lock:
            was_away = self._away.pop(neighbour, None)
        if was_away:
            log.info("neighbour.found", neighbour=neighbour)

    def patiently(
        self, neighbour: str, act: Callable[[], Answer], worthwhile: Callable[[], bool] = lambda: True
    ) -> Answer:
        """What `act` returns, however often the neighbour is away until then.

        Raises:
            StoppedError: the process is told to stop, or the act is not worthwhile any more.
        """
        waits = Backoff()
        while True:
            try:
                answer = act()
            except OutageError as fault:
                self.lost(neighbour, fault)
            else:
                self.found(neighbour)
                return answer
            if self.stopping.wait(waits.next()) or not worthwhile():
                raise StoppedError


class Backoff:
    """Waits that double, from `FIRST_WAIT_S` to `LONGEST_WAIT_S`."""

    def __init__(self) -> None:
        self._wait = FIRST_WAIT_S / 2

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        self._wait = min(self._wait * 2, LONGEST_WAIT_S)
        return self._wait

    def reset(self) -> None:
        """An attempt succeeded."""
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
