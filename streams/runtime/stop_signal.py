"""Handles SIGTERM and SIGINT from the first line of a process on, whatever its main thread is doing.

Python runs a handler between two bytecodes of the main thread: not while that thread waits in librdkafka or loads
a library. So the signal itself writes to a pipe, and a separate thread reads it. Imports nothing that takes time.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger(__name__)


class StopSignal:
    """Until `hand_over` a stop ends the process at once with status 0: nothing has begun that is not begun again."""

    def __init__(self) -> None:
        """Hear from now on; in the main thread."""
        self._stopped = False
        self._act: Callable[[], object] = _leave
        self._lock = threading.Lock()
        read, write = os.pipe()
        os.set_blocking(write, False)
        for number in SIGNALS:
            # The thread does the handler's work: the handler may be called long after.
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        threading.Thread(target=self._listen, args=(read,), name="stop", daemon=True).start()

    def hand_over(self, act: Callable[[], object]) -> None:
        """From now on a stop calls this, once, in another thread; work begins that is to be finished first."""
        with self._lock:
            self._act = act

    def _listen(self, pipe: int) -> None:
        while number := os.read(pipe, 1):
            if number[0] in SIGNALS:
                self._stop()

    def _stop(self) -> None:
        with self._lock:
            if not self._stopped:
                self._stopped = True
                self._act()


def _leave() -> None:
    log.warning("process.stopped")
    os._exit(0)
