"""Logs of a process that more than one command runs in, one after the other."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def own_log_settings() -> Iterator[None]:
    """What configures logs in this block is gone behind it."""
    before, handlers = structlog.get_config(), logging.root.handlers[:]
    try:
        yield
    finally:
        structlog.configure(**before)
        # They write to a stream that is closed when the next one logs.
        for handler in set(logging.root.handlers) - set(handlers):
            logging.root.removeHandler(handler)
