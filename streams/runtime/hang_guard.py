"""Calls that may never return, made by a thread that can be abandoned.

librdkafka keeps the time-outs of its transaction calls only while its own broker threads live. After the
broker that coordinated the transactions was gone for a while, version 2.16 hung in
`send_offsets_to_transaction` for ever (its broker object stays "terminating").
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from schemas.errors import OutageError

Answer = TypeVar("Answer")

_left: list[threading.Thread] = []
"""Threads whose calls hung; some return in the end."""


def hung_calls() -> int:
    """Number of abandoned calls that still hang."""
    _left[:] = [thread for thread in _left if thread.is_alive()]
    return len(_left)


class HungError(OutageError):
    """A call did not return in time, its own time-out or not."""


class GuardedThread:
    """One worker thread, one call at a time; abandoned with the first call that hangs."""

    def __init__(self, name: str) -> None:
        self._acts: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        # A daemon: the process may end while it hangs.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def do(self, act: Callable[[], Answer], within_s: float) -> Answer:
        """The act's result or exception.

        Raises:
            HungError: it took longer; this hand is of no use any more.
        """
        answer: Future[Answer] = Future()
        self._acts.put((act, answer))
        try:
            return answer.result(within_s)
        except TimeoutError:
            if answer.done():
                raise
            _leave(self._thread)
            problem = f"no answer within {within_s:g} s"
            raise HungError(problem) from None

    def close(self) -> None:
        """Let the thread end after what it does now."""
        self._acts.put(None)

    def _work(self) -> None:
        while (item := self._acts.get()) is not None:
            act, answer = item
            try:
                answer.set_result(act())
            except BaseException as fault:  # noqa: BLE001 - handed to who asked
                answer.set_exception(fault)


def at_most(act: Callable[[], object], within_s: float, name: str) -> bool:
    """Do something optional; True if it was done in time."""
    thread = threading.Thread(target=act, name=name, daemon=True)
    thread.start()
    thread.join(within_s)
    if thread.is_alive():
        _leave(thread)
    return not thread.is_alive()


def _leave(thread: threading.Thread) -> None:
    if thread not in _left:
        _left.append(thread)
