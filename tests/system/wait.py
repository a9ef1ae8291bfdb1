"""Waiting for a fact, in tests that cannot know when it comes."""

import os
import time
from collections.abc import Callable
from typing import TypeVar

Fact = TypeVar("Fact")
POLL_S = 0.1
LONGEST_POLL_S = 0.5
"""Many facts are read from a whole topic: asked ten times a second, they would keep the machine from coming true."""
PATIENCE = float(os.environ.get("LOAN_TEST_PATIENCE", "1"))
"""Times every wait: a machine that does much else is slower, not wrong."""


def wait_for(fact: Callable[[], Fact], timeout_s: float = 30.0, what: str = "") -> Fact:
    """The first truthy answer; a failing test after `timeout_s`, which tells the last answer."""
    pause_s = POLL_S
    deadline = time.monotonic() + timeout_s * PATIENCE
    while not (answer := fact()):
        if time.monotonic() > deadline:
            message = f"{what or getattr(fact, '__name__', 'it')} did not come true in {timeout_s} s; last: {answer!r}"
            raise AssertionError(message)
        time.sleep(pause_s)
        pause_s = min(1.1 * pause_s, LONGEST_POLL_S)
    return answer
